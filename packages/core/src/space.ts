import { SecateurError, type UnitKind } from '@secateur/graph';
import { type Pattern, parsePattern } from './masks/select-elements.js';

/**
 * What may be removed.
 * - `units`: whole units of some kinds, for real
 * - `elements`: single weights, zeroed, as a pattern allows
 */
export type Space =
  | { readonly kind: 'units'; readonly name: string; readonly units: readonly UnitKind[] }
  | { readonly kind: 'elements'; readonly name: string; readonly pattern: Pattern };

/** Channels of convolutions and linears, and the inner dimensions of attention heads (the same in every head). */
export const channels: Space = { kind: 'units', name: 'channels', units: ['channel', 'head-dim'] };

/** Whole attention heads. */
export const heads: Space = { kind: 'units', name: 'heads', units: ['head'] };

/** Single weights anywhere. */
export const elements: Space = { kind: 'elements', name: 'elements', pattern: { kind: 'elements' } };

/** At most `n` of every `m` consecutive input channels. */
export function nOfM(n: number, m: number): Space {
  return { kind: 'elements', name: `${n}:${m}`, pattern: parsePattern(`${n}:${m}`) };
}

export const spaceNames: readonly string[] = ['channels', 'heads', 'elements', '2:4'];

/** @throws {SecateurError} BAD_OPTION for a space that does not exist */
export function parseSpace(text: string): Space {
  if (text === 'channels') return channels;
  if (text === 'heads') return heads;
  if (text === 'elements') return elements;
  if (text.includes(':')) return { kind: 'elements', name: text, pattern: parsePattern(text) };
  throw new SecateurError('BAD_OPTION', `There is no space "${text}".`, {
    field: 'space',
    hint: 'Choose channels, heads, elements, or a pattern such as 2:4.',
  });
}
