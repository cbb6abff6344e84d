import { type Coupling, depthKinds, type Group, SecateurError, type UnitKind } from '@secateur/graph';
import { type TreatmentChoice, unitsOfKinds } from './layer-units.js';
import { type Pattern, parsePattern } from './masks/select-elements.js';

/**
 * What may be removed.
 * - `units`: whole units of some kinds, for real
 * - `elements`: single weights, zeroed, as a pattern allows
 */
export type Space =
  | {
      readonly kind: 'units';
      readonly name: string;
      readonly units: readonly UnitKind[];
      /** Layers and blocks that lie in no other alone: see {@link branches}. */
      readonly outermost?: true;
    }
  | { readonly kind: 'elements'; readonly name: string; readonly pattern: Pattern };

/** Channels of convolutions and linears, neurons among them, and the inner dimensions of attention heads (the same in every head). */
export const channels: Space = { kind: 'units', name: 'channels', units: ['channel', 'head-dim'] };

/** Whole attention heads. */
export const heads: Space = { kind: 'units', name: 'heads', units: ['head'] };

/** Hidden units of feed-forwards. */
export const neurons: Space = { kind: 'units', name: 'neurons', units: ['neuron'] };

/** Outputs of the linears that make scales, shifts and gates out of a conditioning vector: they become zeros. */
export const modulations: Space = { kind: 'units', name: 'modulations', units: ['modulation'] };

/** Innermost residual branches: resnets, attentions, feed-forwards. */
export const layers: Space = { kind: 'units', name: 'layers', units: ['layer'] };

/** Modules made of residual branches: transformer blocks, whole attentions of U-Nets, mid blocks. */
export const blocks: Space = { kind: 'units', name: 'blocks', units: ['block'] };

/**
 * Layers as a U-Net's configuration counts them, none inside another: resnets and whole attentions; of an attention with
 * several transformer blocks these one by one. In transformers, attentions and feed-forwards.
 */
export const branches: Space = { kind: 'units', name: 'branches', units: ['layer', 'block'], outermost: true };

/** Layers on the way down of a U-Net with those on the way up that read their skips, attentions included. */
export const pairs: Space = { kind: 'units', name: 'pairs', units: ['pair'] };

/** Single weights anywhere. */
export const elements: Space = { kind: 'elements', name: 'elements', pattern: { kind: 'elements' } };

/** At most `n` of every `m` consecutive input channels. */
export function nOfM(n: number, m: number): Space {
  return { kind: 'elements', name: `${n}:${m}`, pattern: parsePattern(`${n}:${m}`) };
}

const unitSpaces = [channels, heads, neurons, modulations, layers, blocks, branches, pairs] as Extract<
  Space,
  { kind: 'units' }
>[];

export const spaceNames: readonly string[] = [...unitSpaces.map(({ name }) => name), 'elements', '2:4'];

/**
 * Reads a space's name, or several names of unit spaces joined by commas: `heads,neurons,modulations`.
 * @throws {SecateurError} BAD_OPTION for a space that does not exist, or for layers together with what lies inside layers
 */
export function parseSpace(text: string): Space {
  if (text === 'elements') return elements;
  if (text.includes(':')) return { kind: 'elements', name: text, pattern: parsePattern(text) };
  const parts = text.split(',').map((name) => unitSpaces.find((space) => space.name === name.trim()));
  const unknown = parts.indexOf(undefined);
  if (unknown >= 0) {
    throw new SecateurError('BAD_OPTION', `There is no space "${text.split(',')[unknown].trim()}".`, {
      field: 'space',
      hint: `Choose ${unitSpaces.map(({ name }) => name).join(', ')} (or several, joined by commas), elements, or a pattern such as 2:4.`,
    });
  }
  const known = parts as typeof unitSpaces;
  if (known.length === 1) return known[0];
  const units = [...new Set(known.flatMap((space) => space.units))];
  const deep = units.filter(isDepth);
  if (deep.length > 0 && deep.length < units.length) {
    throw new SecateurError('BAD_OPTION', `The space "${text}" mixes layers with parts of layers.`, {
      field: 'space',
      hint: 'Prune twice: layers first, then what is left of them.',
    });
  }
  const name = known.map((space) => space.name).join(',');
  const isBranches = (space: Space): boolean => space === branches;
  if (!known.some(isBranches)) return { kind: 'units', name, units };
  if (known.every((space) => isBranches(space) || space === pairs))
    return { kind: 'units', name, units, outermost: true };
  throw new SecateurError('BAD_OPTION', `The space "${text}" adds to branches what lies in them or around them.`, {
    field: 'space',
    hint: 'Branches go with pairs alone.',
  });
}

/** Whether units of a kind are left out as a whole, rather than made narrower. */
export function isDepth(kind: UnitKind): boolean {
  return depthKinds.some((depth) => depth === kind);
}

/** Whether a list of kinds has this one. A neuron is a channel, too. */
export function includesKind(kinds: readonly UnitKind[], kind: UnitKind): boolean {
  return kinds.includes(kind) || (kind === 'neuron' && kinds.includes('channel'));
}

/**
 * Everything of some kinds that can be removed from a model.
 *
 * @param treatment  which of two ways to leave a layer out, where there are two. Default `shortcut`
 */
export function groupsOfKinds(
  coupling: Coupling,
  kinds: readonly UnitKind[],
  treatment: TreatmentChoice = 'shortcut',
): readonly Group[] {
  const groups = coupling.groups.filter(({ kind }) => includesKind(kinds, kind));
  const outputs = kinds.includes('modulation') ? coupling.modulations : [];
  return [...groups, ...outputs, ...unitsOfKinds(coupling, kinds, treatment)];
}

/** The group of an id, of whatever kind. */
export function groupOfId(coupling: Coupling, id: string): Group | undefined {
  const is = (group: Group): boolean => group.id === id;
  return coupling.groups.find(is) ?? coupling.modulations.find(is) ?? coupling.depth.find(is);
}
