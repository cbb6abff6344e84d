/** Weights of 16 bits as they are stored: without the sign bit, a larger pattern is a larger magnitude. */
export interface StoredHalves {
  readonly patterns: Uint16Array;
  /** The pattern of infinity: what is not below it, sign left out, is infinite or NaN. */
  readonly infinity: number;
  /** Ranking keys of the magnitudes of all patterns, ascending up to infinity, `[32768]`. See `RankKeys`. */
  readonly keys: Int32Array;
}

/** Elements at a time: a caller has to know where a weight was found that is not finite, and caches are small. */
export const HALVES_AT_A_TIME: number = 2 ** 15;

/** Of two patterns in one word. */
export const SIGNS: number = 0x80008000 | 0;
export const MAGNITUDES = 0x7fff7fff;
/** A number of 15 bits times this is the number in both halves. */
const BOTH = 0x10001;

/**
 * Patterns two by two, the first in the lower half of a word: tensors are little-endian everywhere. An odd last one is left
 * out. Patterns that do not lie at whole words are copied.
 */
export function wordsOf(patterns: Uint16Array): Int32Array {
  const { buffer, byteOffset, length } = patterns.byteOffset % 4 === 0 ? patterns : patterns.slice();
  return new Int32Array(buffer, byteOffset, length >> 1);
}

/** Counts how often each magnitude occurs, into `[32768]`. */
export function countMagnitudes(patterns: Uint16Array, counts: Float64Array): void {
  const words = wordsOf(patterns);
  for (let from = 0; from < words.length; from += HALVES_AT_A_TIME) {
    countPairs(words, from, Math.min(from + HALVES_AT_A_TIME, words.length), counts);
  }
  if (patterns.length % 2 === 1) counts[patterns[patterns.length - 1] & 0x7fff]++;
}

/** In pieces: a loop called many times is compiled better than one that runs long. */
function countPairs(words: Int32Array, from: number, to: number, counts: Float64Array): void {
  for (let i = from; i < to; i++) {
    const pair = words[i];
    counts[pair & 0x7fff]++;
    counts[(pair >>> 16) & 0x7fff]++;
  }
}

/**
 * Keeps what is above a cut, straight from the stored patterns: all elements whose key is larger, and of those whose key is
 * as large all but the first `ties`.
 *
 * @param bits  of a mask, all 0
 * @returns how many ties are left for the tensor that follows
 */
export function keepHalvesAbove(halves: StoredHalves, key: number, ties: number, bits: Uint8Array): number {
  const { patterns, keys } = halves;
  const words = wordsOf(patterns);
  const least = firstNotBelow(halves, key);
  const { end, left } =
    ties > 0 && keys[least] === key ? endOfTies(patterns, words, least, ties) : { end: 0, left: ties };
  // Before `end` a tie goes, behind it a tie stays. Whole bytes of the mask first, without asking which.
  const whole = patterns.length >> 3;
  const meeting = Math.min(end >> 3, whole);
  markInPieces(words, 0, meeting, least + 1, bits);
  markInPieces(words, meeting, whole, least, bits);
  for (let i = 8 * whole; i < patterns.length; i++) {
    if ((patterns[i] & 0x7fff) >= least) bits[i >> 3] |= 1 << (i & 7);
  }
  for (let i = 8 * meeting; i < end; i++) {
    if ((patterns[i] & 0x7fff) === least) bits[i >> 3] &= ~(1 << (i & 7));
  }
  return left;
}

/** The first pattern whose key is not below `key`; there is one, since that of infinity is above any of a finite score. */
function firstNotBelow({ keys, infinity }: StoredHalves, key: number): number {
  let from = 0;
  let to = infinity;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (keys[middle] < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Behind the last of the first `ties` elements of magnitude `tie`; behind all when there are fewer, with what is left. */
function endOfTies(
  patterns: Uint16Array,
  words: Int32Array,
  tie: number,
  ties: number,
): { readonly end: number; readonly left: number } {
  let left = ties;
  for (let word = nextTie(words, 0, tie); word < words.length; word = nextTie(words, word + 1, tie)) {
    for (let i = 2 * word; i < 2 * word + 2; i++) {
      if ((patterns[i] & 0x7fff) === tie && --left === 0) return { end: i + 1, left };
    }
  }
  const last = 2 * words.length;
  if (last < patterns.length && (patterns[last] & 0x7fff) === tie) left--;
  return { end: patterns.length, left };
}

/** The first word from `from` on with a tie in one of its halves. Four at a time, as long as there is none. */
function nextTie(words: Int32Array, from: number, tie: number): number {
  const ties = tie * BOTH;
  let at = from;
  while (
    at + 4 <= words.length &&
    (anyTie(words[at], ties) |
      anyTie(words[at + 1], ties) |
      anyTie(words[at + 2], ties) |
      anyTie(words[at + 3], ties)) ===
      0
  ) {
    at += 4;
  }
  while (at < words.length && anyTie(words[at], ties) === 0) at++;
  return at;
}

/** Not 0 when one of two magnitudes is the tie: their difference of 0 borrows from its sign bit. */
function anyTie(pair: number, ties: number): number {
  return (((pair & MAGNITUDES) ^ ties) - BOTH) & SIGNS;
}

/** Bytes of a mask at a time. */
const BYTES_AT_A_TIME = 4096;

function markInPieces(words: Int32Array, from: number, to: number, least: number, bits: Uint8Array): void {
  const leasts = (least * BOTH) | 0;
  for (let at = from; at < to; at += BYTES_AT_A_TIME) {
    mark(words, at, Math.min(at + BYTES_AT_A_TIME, to), leasts, bits);
  }
}

/**
 * Bytes `[from, to)` of a mask, each from four words: a sign bit that is set survives the subtraction where the magnitude is
 * not below the least, of either half by itself. The lower halves' bits are gathered below, the upper halves' 16 above them.
 */
function mark(words: Int32Array, from: number, to: number, leasts: number, bits: Uint8Array): void {
  for (let byte = from, at = 4 * from; byte < to; byte++, at += 4) {
    const gathered =
      ((((words[at] | SIGNS) - leasts) & SIGNS) >>> 15) |
      ((((words[at + 1] | SIGNS) - leasts) & SIGNS) >>> 13) |
      ((((words[at + 2] | SIGNS) - leasts) & SIGNS) >>> 11) |
      ((((words[at + 3] | SIGNS) - leasts) & SIGNS) >>> 9);
    bits[byte] = gathered | (gathered >>> 15);
  }
}
