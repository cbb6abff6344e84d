import { SecateurError } from '@secateur/graph';
import { type CutOff, CutOffFinder, keepAbove } from './cut-off.js';
import type { Mask } from './mask.js';
import { keepNofMByKeys } from './n-of-m.js';
import { keysOfScores } from './rank-keys.js';

/**
 * Which elements may stay together.
 * - `elements`: any
 * - `n:m`: of every run of `m` consecutive input channels at most `n`, e.g. 2:4
 */
export type Pattern = { readonly kind: 'elements' } | { readonly kind: 'n:m'; readonly n: number; readonly m: number };

/** Reads `elements` or `2:4`. @throws {SecateurError} BAD_OPTION */
export function parsePattern(text: string): Pattern {
  if (text === 'elements') return { kind: 'elements' };
  const match = /^(\d+):(\d+)$/.exec(text);
  const n = Number(match?.[1]);
  const m = Number(match?.[2]);
  if (!match || n < 1 || n >= m || m > 64) {
    throw new SecateurError('BAD_OPTION', `"${text}" is no pattern.`, {
      field: 'space',
      hint: 'Write N:M with 1 <= N < M <= 64: 2:4 keeps two of every four weights.',
    });
  }
  return { kind: 'n:m', n, m };
}

/**
 * Keeps the `n` largest of every run of `m` along `axis`; ties keep the lower index. A shorter last run keeps
 * `min(n, its length)`.
 */
export function keepNofM(shape: readonly number[], axis: number, scores: Float32Array, n: number, m: number): Mask {
  return keepNofMByKeys(shape, axis, keysOfScores(scores), n, m);
}

/** Keeps all but the `floor(ratio * size)` lowest-scored elements; ties remove the lower index first. */
export function keepLargest(shape: readonly number[], scores: Float32Array, ratio: number): Mask {
  return keepLargestOfAll([{ shape, scores }], ratio)[0];
}

/**
 * One ranking over all tensors: removes the `floor(ratio * total)` lowest-scored elements of them together; ties remove
 * the earlier tensor's lower index first.
 */
export function keepLargestOfAll(
  tensors: readonly { readonly shape: readonly number[]; readonly scores: Float32Array }[],
  ratio: number,
): Mask[] {
  const ranked = tensors.map(({ shape, scores }) => ({ shape, keys: keysOfScores(scores) }));
  const finder = new CutOffFinder();
  finder.start(Math.floor(ratio * ranked.reduce((sum, { keys }) => sum + keys.size, 0)));
  let cut: CutOff | undefined;
  while (!cut) {
    for (const { keys } of ranked) finder.add(keys);
    cut = finder.next();
  }
  return ranked.map(({ shape, keys }) => {
    const { mask, rest } = keepAbove(shape, keys, cut!);
    cut = rest;
    return mask;
  });
}
