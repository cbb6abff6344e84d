import { SecateurError, sizeOf } from '@secateur/graph';

/** Which elements of a tensor stay: one bit each, row-major, lowest bit first. */
export interface Mask {
  readonly shape: readonly number[];
  /** `ceil(elements / 8)` bytes; 1 = keep. Bits past the last element are 0. */
  readonly bits: Uint8Array;
}

/** A mask from a predicate on flat positions. */
export function maskFrom(shape: readonly number[], keep: (element: number) => boolean): Mask {
  const size = sizeOf(shape);
  const bits = new Uint8Array(Math.ceil(size / 8));
  for (let i = 0; i < size; i++) if (keep(i)) bits[i >> 3] |= 1 << (i & 7);
  return { shape, bits };
}

export function isKept(mask: Mask, element: number): boolean {
  return (mask.bits[element >> 3] & (1 << (element & 7))) !== 0;
}

export function countKept({ bits }: Mask): number {
  const { buffer, byteOffset, length } = bits.byteOffset % 4 === 0 ? bits : bits.slice();
  const words = length >> 2;
  let count = countWords(new Int32Array(buffer, byteOffset, words));
  for (let i = 4 * words; i < length; i++) count += bitsOf(bits[i]);
  return count;
}

function countWords(words: Int32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) count += bitsOf(words[i]);
  return count;
}

/** How many bits of a word are set: summed in pairs, fours and bytes, which the product adds up in the topmost. */
function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Fraction of elements that are zeroed. */
export function sparsityOf(mask: Mask): number {
  const size = sizeOf(mask.shape);
  return size === 0 ? 0 : 1 - countKept(mask) / size;
}

/**
 * A copy of `values` with masked elements set to 0.
 * @throws {SecateurError} SHAPE_MISMATCH when the mask is for another shape
 */
export function applyMask<T extends Float32Array | Float64Array | Uint16Array>(mask: Mask, values: T): T {
  checkLength(mask, values);
  const out = values.slice() as T;
  applyMaskInPlace(mask, out);
  return out;
}

/** Sets masked elements of `values` to 0, for who owns them. @throws {SecateurError} SHAPE_MISMATCH as `applyMask` */
export function applyMaskInPlace(mask: Mask, values: Float32Array | Float64Array | Uint16Array): void {
  checkLength(mask, values);
  const { bits } = mask;
  const { buffer, byteOffset, length } = values;
  if (values.BYTES_PER_ELEMENT === 8) {
    for (let i = 0; i < length; i++) if (!isKept(mask, i)) values[i] = 0;
    return;
  }
  // Zero is all bits zero: that way there is nothing to branch on. Bytes that cover eight elements, then the rest.
  const whole = length >> 3;
  const isHalf = values.BYTES_PER_ELEMENT === 2;
  const isPaired = isHalf && byteOffset % 4 === 0;
  if (isPaired) {
    const pairs = new Int32Array(buffer, byteOffset, 4 * whole);
    inPieces(whole, (from, to) => keepPairs(bits, pairs, from, to));
  } else if (!isHalf) {
    const words = new Int32Array(buffer, byteOffset, length);
    inPieces(whole, (from, to) => keepWords(bits, words, from, to));
  }
  for (let i = isHalf && !isPaired ? 0 : 8 * whole; i < length; i++) if (!isKept(mask, i)) values[i] = 0;
}

function checkLength(mask: Mask, values: Float32Array | Float64Array | Uint16Array): void {
  if (values.length !== sizeOf(mask.shape)) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The mask is for [${mask.shape}]; the tensor has ${values.length} elements.`,
    );
  }
}

/** Bytes of a mask at a time: a loop called many times is compiled better than one that runs long. */
const BYTES_AT_A_TIME = 4096;

function inPieces(bytes: number, each: (from: number, to: number) => void): void {
  for (let from = 0; from < bytes; from += BYTES_AT_A_TIME) each(from, Math.min(from + BYTES_AT_A_TIME, bytes));
}

/** For every byte of a mask, what to AND four pairs of 16 bits with, `[256, 4]`. */
const pairsOfByte: Int32Array = Int32Array.from({ length: 1024 }, (_, at) => {
  const two = (at >> 2) >> (2 * (at & 3));
  return (two & 1 ? 0xffff : 0) | (two & 2 ? 0xffff << 16 : 0);
});

/** Once for every width: one loop over arrays of two types runs at half the speed. */
function keepPairs(bits: Uint8Array, pairs: Int32Array, from: number, to: number): void {
  for (let byte = from, i = 4 * from; byte < to; byte++, i += 4) {
    const at = 4 * bits[byte];
    pairs[i] &= pairsOfByte[at];
    pairs[i + 1] &= pairsOfByte[at + 1];
    pairs[i + 2] &= pairsOfByte[at + 2];
    pairs[i + 3] &= pairsOfByte[at + 3];
  }
}

function keepWords(bits: Uint8Array, words: Int32Array, from: number, to: number): void {
  for (let at = from, i = 8 * from; at < to; at++, i += 8) {
    const byte = bits[at];
    words[i] &= -(byte & 1);
    words[i + 1] &= -((byte >> 1) & 1);
    words[i + 2] &= -((byte >> 2) & 1);
    words[i + 3] &= -((byte >> 3) & 1);
    words[i + 4] &= -((byte >> 4) & 1);
    words[i + 5] &= -((byte >> 5) & 1);
    words[i + 6] &= -((byte >> 6) & 1);
    words[i + 7] &= -(byte >> 7);
  }
}
