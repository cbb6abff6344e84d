import { countMagnitudes, keepHalvesAbove, type StoredHalves } from './halves.js';
import type { Mask } from './mask.js';
import { KEYS_AT_A_TIME, type RankKeys } from './rank-keys.js';

/** Where a ranking is cut: what is below `key` goes, and of what is equal to it the first `ties`. */
export interface CutOff {
  readonly key: number;
  readonly ties: number;
}

/** Nothing goes. */
const nothing: CutOff = { key: -0x80000000, ties: 0 };

/** Sign, exponent and the ten bits of fraction that a float16 has: its keys are told apart by their upper bits alone. */
const LOWER_BITS = 13;
const LOWER = 2 ** LOWER_BITS - 1;
const UPPER_SIZE = 2 ** (32 - LOWER_BITS);

/**
 * Finds exactly where a ranking of any length is cut, without holding it: keys are counted by their upper bits in one pass,
 * and where lower bits occur, those of the decisive ones by their lower bits in a second. 4 MB. Weights of 16 bits are
 * counted by their patterns, and the counts of these added up.
 *
 * Use: `start(count)`, `add` every tensor, `next()`; as long as that asks for another pass, `add` every tensor again.
 */
export class CutOffFinder {
  readonly #upper = new Float64Array(UPPER_SIZE);
  readonly #lower = new Float64Array(LOWER + 1);
  readonly #held: Int32Array;
  #count = 0;
  #any = 0;
  /** Upper bits of the key where the cut is; `undefined` in the first pass. */
  #decisive: number | undefined;
  /** How many of the decisive ones go. */
  #left = 0;

  /** @param atATime  how many keys are held; the result does not depend on it */
  constructor(atATime: number = KEYS_AT_A_TIME) {
    this.#held = new Int32Array(atATime);
  }

  /** @param count  how many of the lowest go */
  start(count: number): void {
    this.#upper.fill(0, this.#lowest);
    this.#lower.fill(0);
    this.#count = count;
    this.#any = 0;
    this.#decisive = undefined;
  }

  add(keys: RankKeys): void {
    if (keys.halves && this.#addHalves(keys.halves)) return;
    const held = this.#held;
    for (let from = 0; from < keys.size; from += held.length) {
      const to = Math.min(from + held.length, keys.size);
      this.#any |= keys.fill(from, to, held);
      if (this.#decisive === undefined) countUpper(held, to - from, this.#upper);
      else countLower(held, to - from, this.#decisive, this.#lower);
    }
  }

  /** @returns false, and adds nothing, when a weight is not finite: making its key throws, and says where it is */
  #addHalves({ patterns, infinity, keys }: StoredHalves): boolean {
    const counts = countMagnitudes(patterns);
    if (counts.subarray(infinity).some((count) => count > 0)) return false;
    for (let pattern = 0; pattern < infinity; pattern++) {
      const count = counts[pattern];
      if (count === 0) continue;
      const key = keys[pattern];
      this.#any |= key;
      if (this.#decisive === undefined) this.#upper[binOf(key)] += count;
      else if (key >> LOWER_BITS === this.#decisive) this.#lower[key & LOWER] += count;
    }
    return true;
  }

  /** Where counting begins: keys of magnitudes, in the upper half alone, are common. */
  get #lowest(): number {
    return this.#any < 0 ? 0 : UPPER_SIZE / 2;
  }

  /** The cut, or `undefined` when every tensor has to be added once more. */
  next(): CutOff | undefined {
    if (this.#count === 0) return nothing;
    if (this.#decisive === undefined) {
      const { bin, before } = binHolding(this.#upper, this.#lowest, this.#count);
      this.#decisive = bin - UPPER_SIZE / 2;
      this.#left = this.#count - before;
      if ((this.#any & LOWER) !== 0) return undefined;
      return { key: this.#decisive << LOWER_BITS, ties: this.#left };
    }
    const { bin, before } = binHolding(this.#lower, 0, this.#left);
    return { key: (this.#decisive << LOWER_BITS) | bin, ties: this.#left - before };
  }
}

/** The bin of a key's upper bits; negative keys come first. */
function binOf(key: number): number {
  return (key >> LOWER_BITS) + UPPER_SIZE / 2;
}

function countUpper(keys: Int32Array, length: number, counts: Float64Array): void {
  for (let i = 0; i < length; i++) counts[binOf(keys[i])]++;
}

function countLower(keys: Int32Array, length: number, decisive: number, counts: Float64Array): void {
  for (let i = 0; i < length; i++) if (keys[i] >> LOWER_BITS === decisive) counts[keys[i] & LOWER]++;
}

/** The bin that holds number `count` in ascending order, counted from 1, and how many are in the bins before it. */
function binHolding(counts: Float64Array, first: number, count: number): { bin: number; before: number } {
  let before = 0;
  let bin = first;
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
  const held = new Int32Array(Math.min(atATime, keys.size));
  let left = ties;
  for (let from = 0; from < keys.size; from += held.length) {
    const length = Math.min(held.length, keys.size - from);
    keys.fill(from, from + length, held);
    // Before the last tie that goes, what stays is larger; behind it, as large.
    let end = 0;
    while (left > 0 && end < length) if (held[end++] === key) left--;
    mark(held, 0, end, key + 1, bits, from);
    mark(held, end, length, key, bits, from);
  }
  return { mask: { shape, bits }, rest: { key, ties: left } };
}

/** Bits of the keys `[from, to)` that are not below `least`; without a branch, which could only be guessed. */
function mark(keys: Int32Array, from: number, to: number, least: number, bits: Uint8Array, first: number): void {
  for (let i = from; i < to; i++) {
    const key = keys[i];
    const isBelow = ((key & ~least) | (~(key ^ least) & (key - least))) >>> 31;
    const element = first + i;
    bits[element >> 3] |= (1 - isBelow) << (element & 7);
  }
}
