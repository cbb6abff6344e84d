import { HALVES_AT_A_TIME, MAGNITUDES, SIGNS, type StoredHalves, wordsOf } from './halves.js';

/**
 * 2:4 straight from the stored patterns: keeps the two largest magnitudes of every four, ties the lower index, where the
 * four lie `stride` apart. Two groups of four are ranked at once, one in the lower and one in the upper half of a word,
 * without a branch, which could only be guessed.
 *
 * @param halves  whole groups: `[groups, 4, stride]`
 * @param bits  of a mask, to be written
 * @param notFinite  called with the elements `[from, to)` that hold a weight that is not finite; it has to throw
 */
export function keepTwoOfFourHalves(
  { patterns, infinity }: StoredHalves,
  stride: number,
  bits: Uint8Array,
  notFinite: (from: number, to: number) => void,
): void {
  const size = patterns.length;
  // What a magnitude needs to reach the sign bit, once for either half.
  const room = (0x8000 - infinity) * 0x10001;
  const group = 4 * stride;
  const atATime = stride === 1 ? HALVES_AT_A_TIME : 2 * group * Math.max(1, Math.floor(HALVES_AT_A_TIME / (2 * group)));
  const words = stride === 1 ? wordsOf(patterns) : undefined;
  const flags = words ? undefined : new Uint8Array(Math.min(atATime, 8 * Math.ceil(size / 8)));
  for (let from = 0; from < size; from += atATime) {
    const to = Math.min(from + atATime, size);
    let seen: number;
    if (flags) {
      seen = flagStrided(patterns, from, to, stride, room, flags);
      packFlags(flags, to - from, bits, from >> 3);
    } else {
      seen = keepAdjacent(words!, from >> 3, to >> 3, room, bits);
      if (to % 8 !== 0) seen |= keepLast(patterns, to - 4, room, bits);
    }
    if (seen !== 0) notFinite(from, to);
  }
}

/** Bytes `[from, to)` of the mask, each of two groups whose four lie side by side. @returns not 0 when not all is finite */
function keepAdjacent(words: Int32Array, from: number, to: number, room: number, bits: Uint8Array): number {
  let seen = 0;
  for (let byte = from, at = 4 * from; byte < to; byte++, at += 4) {
    const ab = words[at] & MAGNITUDES;
    const cd = words[at + 1] & MAGNITUDES;
    const ef = words[at + 2] & MAGNITUDES;
    const gh = words[at + 3] & MAGNITUDES;
    seen |= (ab + room) | (cd + room) | (ef + room) | (gh + room);
    const kept = keptOf(
      (ab & 0xffff) | (ef << 16),
      (ab >>> 16) | (ef & 0x7fff0000),
      (cd & 0xffff) | (gh << 16),
      (cd >>> 16) | (gh & 0x7fff0000),
    );
    bits[byte] = ((kept >>> 12) & 0x0f) | ((kept >>> 24) & 0xf0);
  }
  return seen & SIGNS;
}

/** The last group, when there is an odd number of them. */
function keepLast(patterns: Uint16Array, at: number, room: number, bits: Uint8Array): number {
  const a = patterns[at] & 0x7fff;
  const b = patterns[at + 1] & 0x7fff;
  const c = patterns[at + 2] & 0x7fff;
  const d = patterns[at + 3] & 0x7fff;
  bits[at >> 3] = (keptOf(a, b, c, d) >>> 12) & 0x0f;
  return ((a + room) | (b + room) | (c + room) | (d + room)) & 0x8000;
}

/** One byte for every element of `[from, to)`: 1 = keep. @returns not 0 when not all is finite */
function flagStrided(
  patterns: Uint16Array,
  from: number,
  to: number,
  stride: number,
  room: number,
  flags: Uint8Array,
): number {
  const group = 4 * stride;
  let seen = 0;
  for (let start = from; start < to; start += 2 * group) {
    // The last group is ranked beside itself, when there is an odd number of them.
    const next = start + group < to ? group : 0;
    for (let s = 0; s < stride; s++) {
      const at = start + s;
      const a = (patterns[at] | (patterns[at + next] << 16)) & MAGNITUDES;
      const b = (patterns[at + stride] | (patterns[at + stride + next] << 16)) & MAGNITUDES;
      const c = (patterns[at + 2 * stride] | (patterns[at + 2 * stride + next] << 16)) & MAGNITUDES;
      const d = (patterns[at + 3 * stride] | (patterns[at + 3 * stride + next] << 16)) & MAGNITUDES;
      seen |= (a + room) | (b + room) | (c + room) | (d + room);
      const kept = keptOf(a, b, c, d);
      const into = at - from;
      flags[into] = (kept >>> 12) & 1;
      flags[into + stride] = (kept >>> 13) & 1;
      flags[into + 2 * stride] = (kept >>> 14) & 1;
      flags[into + 3 * stride] = (kept >>> 15) & 1;
      flags[into + next] = (kept >>> 28) & 1;
      flags[into + stride + next] = (kept >>> 29) & 1;
      flags[into + 2 * stride + next] = (kept >>> 30) & 1;
      flags[into + 3 * stride + next] = kept >>> 31;
    }
  }
  return seen & SIGNS;
}

function packFlags(flags: Uint8Array, length: number, bits: Uint8Array, first: number): void {
  flags.fill(0, length, Math.min(flags.length, 8 * Math.ceil(length / 8)));
  for (let at = 0, byte = first; at < length; at += 8, byte++) {
    bits[byte] =
      flags[at] |
      (flags[at + 1] << 1) |
      (flags[at + 2] << 2) |
      (flags[at + 3] << 3) |
      (flags[at + 4] << 4) |
      (flags[at + 5] << 5) |
      (flags[at + 6] << 6) |
      (flags[at + 7] << 7);
  }
}

/**
 * Which two of `a`, `b`, `c`, `d` stay, in the lower and in the upper half by themselves: four bits, `a`'s lowest, from bit
 * 12 and from bit 28. Each is two magnitudes of 15 bits; with the sign bit of one of them set, their difference keeps it
 * when that one is as large as the other or larger.
 */
function keptOf(a: number, b: number, c: number, d: number): number {
  const ab = (a | SIGNS) - b;
  const ac = (a | SIGNS) - c;
  const ad = (a | SIGNS) - d;
  const bc = (b | SIGNS) - c;
  const bd = (b | SIGNS) - d;
  const cd = (c | SIGNS) - d;
  // One stays that wins against two of the others.
  const keptA = (ab & ac) | (ad & (ab | ac));
  const keptB = (bc & bd) | (~ab & (bc | bd));
  const goneC = (ac & bc) | (~cd & (ac | bc));
  const keptD = keptA ^ keptB ^ ~goneC;
  return ((keptA & SIGNS) >>> 3) | ((keptB & SIGNS) >>> 2) | ((~goneC & SIGNS) >>> 1) | (keptD & SIGNS);
}
