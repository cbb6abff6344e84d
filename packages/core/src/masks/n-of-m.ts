import { sizeOf, stridesOf } from '@secateur/graph';
import type { Mask } from './mask.js';
import { KEYS_AT_A_TIME, type RankKeys } from './rank-keys.js';
import { keepTwoOfFourHalves } from './two-of-four.js';

/**
 * Keeps the `n` largest of every run of `m` along `axis`; ties keep the lower index. A shorter last run keeps
 * `min(n, its length)`.
 *
 * @param atATime  about how many keys are held; the choice does not depend on it
 */
export function keepNofMByKeys(
  shape: readonly number[],
  axis: number,
  keys: RankKeys,
  n: number,
  m: number,
  atATime: number = KEYS_AT_A_TIME,
): Mask {
  const bits = new Uint8Array(Math.ceil(keys.size / 8));
  if (keys.size === 0) return { shape, bits };
  const stride = stridesOf(shape)[axis];
  const length = shape[axis];
  const isTwoOfFour = n === 2 && m === 4 && length % 4 === 0;
  if (isTwoOfFour && keys.halves) {
    // Making the keys finds which weight it is, and throws.
    keepTwoOfFourHalves(keys.halves, stride, bits, (from, to) => keys.fill(from, to, new Int32Array(to - from)));
    return { shape, bits };
  }
  const keep = isTwoOfFour ? keepTwoOfFour : keepRuns;
  // Pieces of whole rows of the axis, or of whole runs of a row too long for that.
  const rows = Math.max(1, Math.floor(atATime / (length * stride)));
  const along = rows > 1 ? length : Math.min(length, m * Math.max(1, Math.floor(atATime / (m * stride))));
  const held = new Int32Array(rows * along * stride);
  const allRows = sizeOf(shape) / (length * stride);
  for (let row = 0; row < allRows; row += rows) {
    const nRows = Math.min(rows, allRows - row);
    for (let from = 0; from < length; from += along) {
      const first = (row * length + from) * stride;
      const piece: Piece = { rows: nRows, length: Math.min(along, length - from), stride, first };
      keys.fill(first, first + nRows * piece.length * stride, held);
      keep(held, piece, bits, n, m);
    }
  }
  return { shape, bits };
}

/** Keys `[rows, length, stride]` of the elements that begin at `first`. */
interface Piece {
  readonly rows: number;
  readonly length: number;
  readonly stride: number;
  readonly first: number;
}

/** 1 when `x < y`, of whole numbers of 32 bits: without a branch, which could only be guessed. */
function less(x: number, y: number): number {
  return ((x & ~y) | (~(x ^ y) & (x - y))) >>> 31;
}

/** An element stays when fewer than `n` of its run are ahead of it: larger, or as large with a lower index. */
function keepRuns(
  keys: Int32Array,
  { rows, length, stride, first }: Piece,
  bits: Uint8Array,
  n: number,
  m: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let s = 0; s < stride; s++) {
      const start = row * length * stride + s;
      for (let from = 0; from < length; from += m) {
        const end = Math.min(from + m, length);
        for (let i = from; i < end; i++) {
          const key = keys[start + i * stride];
          let ahead = 0;
          for (let j = from; j < i; j++) ahead += 1 - less(keys[start + j * stride], key);
          for (let j = i + 1; j < end; j++) ahead += less(key, keys[start + j * stride]);
          const element = first + start + i * stride;
          bits[element >> 3] |= ((ahead - n) >>> 31) << (element & 7);
        }
      }
    }
  }
}

/** The same for the pattern that hardware has, in whole runs, each pair compared once: 2.5 times as fast. */
function keepTwoOfFour(keys: Int32Array, { rows, length, stride, first }: Piece, bits: Uint8Array): void {
  for (let row = 0; row < rows; row++) {
    for (let s = 0; s < stride; s++) {
      let at = row * length * stride + s;
      let element = first + at;
      for (let from = 0; from < length; from += 4) {
        const a = keys[at];
        const b = keys[at + stride];
        const c = keys[at + 2 * stride];
        const d = keys[at + 3 * stride];
        const ab = less(a, b);
        const ac = less(a, c);
        const ad = less(a, d);
        const bc = less(b, c);
        const bd = less(b, d);
        const cd = less(c, d);
        // How many are ahead of each, less 2: negative for those that stay.
        bits[element >> 3] |= ((ab + ac + ad - 2) >>> 31) << (element & 7);
        element += stride;
        bits[element >> 3] |= ((bc + bd - ab - 1) >>> 31) << (element & 7);
        element += stride;
        bits[element >> 3] |= ((cd - ac - bc) >>> 31) << (element & 7);
        element += stride;
        bits[element >> 3] |= ((1 - ad - bd - cd) >>> 31) << (element & 7);
        element += stride;
        at += 4 * stride;
      }
    }
  }
}
