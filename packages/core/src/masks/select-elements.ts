import { SecateurError, sizeOf, stridesOf } from '@secateur/graph';
import { type Mask, maskFrom } from './mask.js';

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
  const stride = stridesOf(shape)[axis];
  const length = shape[axis];
  const kept = new Uint8Array(scores.length);
  const runs = scores.length / length;
  for (let run = 0; run < runs; run++) {
    const start = Math.floor(run / stride) * stride * length + (run % stride);
    for (let from = 0; from < length; from += m) {
      const members = Array.from({ length: Math.min(m, length - from) }, (_, i) => start + (from + i) * stride);
      members.sort((a, b) => scores[b] - scores[a] || a - b);
      for (const member of members.slice(0, n)) kept[member] = 1;
    }
  }
  return maskFrom(shape, (element) => kept[element] === 1);
}

/** Keeps all but the `floor(ratio * size)` lowest-scored elements; ties remove the lower index first. */
export function keepLargest(shape: readonly number[], scores: Float32Array, ratio: number): Mask {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b);
  const removed = new Uint8Array(scores.length);
  for (const element of order.subarray(0, Math.floor(ratio * sizeOf(shape)))) removed[element] = 1;
  return maskFrom(shape, (element) => removed[element] === 0);
}

/**
 * One ranking over all tensors: removes the `floor(ratio * total)` lowest-scored elements of them together; ties remove
 * the earlier tensor's lower index first.
 */
export function keepLargestOfAll(
  tensors: readonly { readonly shape: readonly number[]; readonly scores: Float32Array }[],
  ratio: number,
): Mask[] {
  const total = tensors.reduce((sum, { scores }) => sum + scores.length, 0);
  const all = new Float32Array(total);
  let offset = 0;
  for (const { scores } of tensors) {
    all.set(scores, offset);
    offset += scores.length;
  }
  const count = Math.floor(ratio * total);
  // The threshold and how many of its equals go: an exact cut without sorting indices of every weight.
  const sorted = all.slice().sort();
  const threshold = count > 0 ? sorted[count - 1] : Number.NEGATIVE_INFINITY;
  let ties = 0;
  for (let i = count - 1; i >= 0 && sorted[i] === threshold; i--) ties++;
  return tensors.map(({ shape, scores }) =>
    maskFrom(shape, (element) => {
      const score = scores[element];
      if (count === 0 || score > threshold) return true;
      return score === threshold ? ties-- <= 0 : false;
    }),
  );
}
