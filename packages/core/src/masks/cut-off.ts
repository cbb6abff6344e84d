import { countMagnitudes, keepHalvesAbove, type StoredHalves } from './halves.js';
import type { Mask } from './mask.js';
import { INFINITE_KEY, inPieces, KEYS_AT_A_TIME, type RankKeys, refuse } from './rank-keys.js';

/** Where a ranking is cut: what is below `key` goes, and of what is equal to it the first `ties`. */
export interface CutOff {
  readonly key: number;
  readonly ties: number;
}

/** Nothing goes. */
const nothing: CutOff = { key: -0x80000000, ties: 0 };

/** Keys are told apart by their upper bits, then by the others: tables of either are small enough for caches. */
const LOWER_BITS = 16;
const LOWER = 2 ** LOWER_BITS - 1;
const UPPER_SIZE = 2 ** (32 - LOWER_BITS);

/**
 * Finds exactly where a ranking of any length is cut, without holding it: keys are counted by their upper bits in one pass,
 * and those of the decisive ones by their lower bits in a second. Weights of 16 bits are counted by their patterns, once:
 * these are few enough to be all told apart. 1 MB.
 *
 * Use: `start(count)`, `add` every tensor, `next()`; as long as that asks for another pass, `add` every tensor again.
 */
export class CutOffFinder {
  readonly #upper = new Float64Array(UPPER_SIZE);
  readonly #lower = new Float64Array(LOWER + 1);
  /** How often each pattern occurs, by the table of its keys. */
  readonly #patterns = new Map<Int32Array, Float64Array>();
  readonly #atATime: number;
  #count = 0;
  /** Whether there are keys that were not counted by pattern. */
  #hasOthers = false;
  /** Upper bits of the key where the cut is; `undefined` in the first pass. */
  #decisive: number | undefined;
  /** How many of the decisive ones go. */
  #left = 0;

  /** @param atATime  how many keys are held; the result does not depend on it */
  constructor(atATime: number = KEYS_AT_A_TIME) {
    this.#atATime = atATime;
  }

  /** @param count  how many of the lowest go */
  start(count: number): void {
    this.#upper.fill(0);
    this.#lower.fill(0);
    this.#patterns.clear();
    this.#hasOthers = false;
    this.#decisive = undefined;
    this.#count = count;
  }

  add(keys: RankKeys): void {
    if (keys.halves) {
      if (this.#decisive === undefined) this.#addPatterns(keys, keys.halves);
      return;
    }
    this.#hasOthers = true;
    const decisive = this.#decisive;
    inPieces(keys, this.#atATime, (piece, and) => {
      if (decisive === undefined) countUpper(piece, and, this.#upper);
      else countLower(piece, and, decisive, this.#lower);
    });
    if (this.#upper.subarray(binOf(INFINITE_KEY)).some((count) => count > 0)) refuse(keys);
  }

  #addPatterns(keys: RankKeys, { patterns, infinity, keys: table }: StoredHalves): void {
    const counts = this.#patterns.get(table) ?? new Float64Array(table.length);
    this.#patterns.set(table, counts);
    countMagnitudes(patterns, counts);
    if (counts.subarray(infinity).some((count) => count > 0)) refuse(keys);
  }

  /** The cut, or `undefined` when every tensor has to be added once more. */
  next(): CutOff | undefined {
    if (this.#count === 0) return nothing;
    if (this.#decisive === undefined) {
      this.#eachPattern((key, count) => {
        this.#upper[binOf(key)] += count;
      });
      const { bin, before } = binHolding(this.#upper, this.#count);
      this.#decisive = bin - UPPER_SIZE / 2;
      this.#left = this.#count - before;
      if (this.#hasOthers) return undefined;
    }
    const decisive = this.#decisive;
    this.#eachPattern((key, count) => {
      if (key >> LOWER_BITS === decisive) this.#lower[key & LOWER] += count;
    });
    const { bin, before } = binHolding(this.#lower, this.#left);
    return { key: (decisive << LOWER_BITS) | bin, ties: this.#left - before };
  }

  #eachPattern(visit: (key: number, count: number) => void): void {
    for (const [keys, counts] of this.#patterns) {
      for (let pattern = 0; pattern < counts.length; pattern++) {
        if (counts[pattern] > 0) visit(keys[pattern], counts[pattern]);
      }
    }
  }
}

/** The bin of a key's upper bits; negative keys come first. */
function binOf(key: number): number {
  return (key >> LOWER_BITS) + UPPER_SIZE / 2;
}

function countUpper(keys: Int32Array, and: number, counts: Float64Array): void {
  for (let i = 0; i < keys.length; i++) counts[((keys[i] & and) >> LOWER_BITS) + UPPER_SIZE / 2]++;
}

function countLower(keys: Int32Array, and: number, decisive: number, counts: Float64Array): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] & and;
    if (key >> LOWER_BITS === decisive) counts[key & LOWER]++;
  }
}

/** The bin that holds number `count` in ascending order, counted from 1, and how many are in the bins before it. */
function binHolding(counts: Float64Array, count: number): { bin: number; before: number } {
  let before = 0;
  let bin = 0;
  while (before + counts[bin] < count) before += counts[bin++];
  return { bin, before };
}

/**
 * Keeps what a cut leaves of one tensor.
 * @returns the mask, and the cut for the tensor that follows in a common ranking: with the ties that are left
 */
export function keepAbove(
  shape: readonly number[],
  keys: RankKeys,
  { key, ties }: CutOff,
  atATime: number = KEYS_AT_A_TIME,
): { mask: Mask; rest: CutOff } {
  const bits = new Uint8Array(Math.ceil(keys.size / 8));
  if (keys.halves) return { mask: { shape, bits }, rest: { key, ties: keepHalvesAbove(keys.halves, key, ties, bits) } };
  let left = ties;
  inPieces(keys, atATime, (piece, and, first) => {
    // Before the last tie that goes, what stays is larger; behind it, as large.
    let end = 0;
    while (left > 0 && end < piece.length) if ((piece[end++] & and) === key) left--;
    mark(piece, and, 0, end, key + 1, bits, first);
    mark(piece, and, end, piece.length, key, bits, first);
  });
  return { mask: { shape, bits }, rest: { key, ties: left } };
}

/** Bits of the keys `[from, to)` that are not below `least`: one by one up to a whole byte of the mask, then eight by eight. */
function mark(
  keys: Int32Array,
  and: number,
  from: number,
  to: number,
  least: number,
  bits: Uint8Array,
  first: number,
): void {
  let i = from;
  for (; i < to && ((first + i) & 7) !== 0; i++) markOne(keys[i] & and, least, bits, first + i);
  for (; i + 8 <= to; i += 8) {
    const below =
      isBelow(keys[i] & and, least) |
      (isBelow(keys[i + 1] & and, least) << 1) |
      (isBelow(keys[i + 2] & and, least) << 2) |
      (isBelow(keys[i + 3] & and, least) << 3) |
      (isBelow(keys[i + 4] & and, least) << 4) |
      (isBelow(keys[i + 5] & and, least) << 5) |
      (isBelow(keys[i + 6] & and, least) << 6) |
      (isBelow(keys[i + 7] & and, least) << 7);
    bits[(first + i) >> 3] = ~below;
  }
  for (; i < to; i++) markOne(keys[i] & and, least, bits, first + i);
}

function markOne(key: number, least: number, bits: Uint8Array, element: number): void {
  bits[element >> 3] |= (1 - isBelow(key, least)) << (element & 7);
}

/** 1 when `key < least`, of whole numbers of 32 bits: without a branch, which could only be guessed. */
function isBelow(key: number, least: number): number {
  return ((key & ~least) | (~(key ^ least) & (key - least))) >>> 31;
}
