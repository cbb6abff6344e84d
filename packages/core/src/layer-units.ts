import type { Coupling, DepthUnit, UnitKind } from '@secateur/graph';
import type { Space } from './space.js';

/**
 * What to leave of a layer whose width changes, as it does where a skip is concatenated to the input.
 * - `shortcut`: its shortcut
 * - `pass`: the part of its input that is no skip, where that is as wide as its output; else its shortcut
 * - `pairs`: it stays, unless it goes together with the layer that made the skip
 */
export type TreatmentChoice = 'shortcut' | 'pass' | 'pairs';

export const treatmentChoices: readonly TreatmentChoice[] = ['shortcut', 'pass', 'pairs'];

/** Layers, blocks and pairs of some kinds, one unit for every layer: that of the treatment where there is a choice. */
export function unitsOfKinds(
  { depth }: Coupling,
  kinds: readonly UnitKind[],
  treatment: TreatmentChoice = 'shortcut',
): readonly DepthUnit[] {
  const units = depth.filter(({ kind }) => kinds.includes(kind));
  if (treatment !== 'pairs') return ofTreatment(units, treatment);
  const sameWidth = units.filter((unit) => unit.kind !== 'pair' && unit.treatment === 'input');
  return units.length === 0 ? [] : [...sameWidth, ...depth.filter(({ kind }) => kind === 'pair')];
}

function ofTreatment(units: readonly DepthUnit[], treatment: TreatmentChoice): DepthUnit[] {
  const passed = new Set(units.flatMap(({ id }) => (id.endsWith(':pass') ? [id.slice(0, -':pass'.length)] : [])));
  return units.filter(({ id }) => (treatment === 'pass' ? !passed.has(id) : !id.endsWith(':pass')));
}

/** The layers and blocks of a space; see {@link unitsOfKinds}. */
export function unitsOfSpace(
  coupling: Coupling,
  { units: kinds, outermost }: Extract<Space, { kind: 'units' }>,
  treatment?: TreatmentChoice,
): readonly DepthUnit[] {
  const units = unitsOfKinds(coupling, kinds, treatment);
  return outermost ? outermostOf(units) : units;
}

/** Residual branches that lie in no other; of one around several transformer blocks these blocks. Pairs stay as they are. */
function outermostOf(units: readonly DepthUnit[]): DepthUnit[] {
  const blocks = units.filter(({ kind }) => kind === 'block');
  // What ends in one Add is a branch; what takes several is made of branches: a transformer block, a block of a U-Net.
  const made = blocks.filter(({ bypasses }) => bypasses.length > 1);
  const chosen = blocks
    .filter(({ bypasses }) => bypasses.length === 1)
    .flatMap((branch) => {
      const inside = made.filter((unit) => isInside(unit, branch));
      return inside.length > 1 ? inside.filter((unit) => !liesInOther(unit, inside)) : [branch];
    });
  const layers = units.filter(({ kind }) => kind === 'layer');
  const pairs = units.filter(({ kind }) => kind === 'pair');
  return [...layers, ...chosen].filter((unit) => !liesInOther(unit, chosen)).concat(pairs);
}

function liesInOther(unit: DepthUnit, others: readonly DepthUnit[]): boolean {
  return others.some((other) => other !== unit && isInside(unit, other));
}

/** Whether all layers of a unit are the other's as well. */
export function isInside({ layers }: Pick<DepthUnit, 'layers'>, other: Pick<DepthUnit, 'layers'>): boolean {
  return layers.every((layer) => other.layers.includes(layer));
}
