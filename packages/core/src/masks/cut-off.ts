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
 * and where lower bits occur, those of the decisive ones by their lower bits in a second. 4 MB.
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
    this.#count = count;
    this.#any = 0;
    this.#decisive = undefined;
    this.#upper.fill(0);
    this.#lower.fill(0);
  }

  add(keys: RankKeys): void {
    const held = this.#held;
    for (let from = 0; from < keys.size; from += held.length) {
      const to = Math.min(from + held.length, keys.size);
      this.#any |= keys.fill(from, to, held);
      if (this.#decisive === undefined) countUpper(held, to - from, this.#upper);
      else countLower(held, to - from, this.#decisive, this.#lower);
    }
  }

  /** The cut, or `undefined` when every tensor has to be added once more. */
  next(): CutOff | undefined {
    if (this.#count === 0) return nothing;
    if (this.#decisive === undefined) {
      const { bin, before } = binOf(this.#upper, this.#count);
      this.#decisive = bin - UPPER_SIZE / 2;
      this.#left = this.#count - before;
      if ((this.#any & LOWER) !== 0) return undefined;
      return { key: this.#decisive << LOWER_BITS, ties: this.#left };
    }
    const { bin, before } = binOf(this.#lower, this.#left);
    return { key: (this.#decisive << LOWER_BITS) | bin, ties: this.#left - before };
  }
}

function countUpper(keys: Int32Array, length: number, counts: Float64Array): void {
  for (let i = 0; i < length; i++) counts[(keys[i] >> LOWER_BITS) + UPPER_SIZE / 2]++;
}

function countLower(keys: Int32Array, length: number, decisive: number, counts: Float64Array): void {
  for (let i = 0; i < length; i++) if (keys[i] >> LOWER_BITS === decisive) counts[keys[i] & LOWER]++;
}

/** The bin that holds number `count` in ascending order, counted from 1, and how many are in the bins before it. */
function binOf(counts: Float64Array, count: number): { bin: number; before: number } {
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
  cut: CutOff,
  atATime: number = KEYS_AT_A_TIME,
): { mask: Mask; rest: CutOff } {
  const bits = new Uint8Array(Math.ceil(keys.size / 8));
  const held = new Int32Array(Math.min(atATime, keys.size));
  let { ties } = cut;
  for (let from = 0; from < keys.size; from += held.length) {
    const length = Math.min(held.length, keys.size - from);
    keys.fill(from, from + length, held);
    if (ties > 0) ties = markWithTies(held, length, cut.key, ties, bits, from);
    else mark(held, length, cut.key, bits, from);
  }
  return { mask: { shape, bits }, rest: { key: cut.key, ties } };
}

/** Bits of the keys that are not below `least`; without a branch, which could only be guessed. */
function mark(keys: Int32Array, length: number, least: number, bits: Uint8Array, first: number): void {
  for (let i = 0; i < length; i++) {
    const key = keys[i];
    const isBelow = ((key & ~least) | (~(key ^ least) & (key - least))) >>> 31;
    const element = first + i;
    bits[element >> 3] |= (1 - isBelow) << (element & 7);
  }
}

function markWithTies(
  keys: Int32Array,
  length: number,
  least: number,
  ties: number,
  bits: Uint8Array,
  first: number,
): number {
  for (let i = 0; i < length; i++) {
    const key = keys[i];
    if (key < least || (key === least && ties-- > 0)) continue;
    const element = first + i;
    bits[element >> 3] |= 1 << (element & 7);
  }
  return Math.max(0, ties);
}
