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

export function countKept(mask: Mask): number {
  const { bits } = mask;
  let count = 0;
  for (let i = 0; i < bits.length; i++) count += bitsOfByte[bits[i]];
  return count;
}

/** How many bits are set in every byte. */
const bitsOfByte: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest; rest &= rest - 1) count++;
  return count;
});

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
  if (values.length !== sizeOf(mask.shape)) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The mask is for [${mask.shape}]; the tensor has ${values.length} elements.`,
    );
  }
  if (values.BYTES_PER_ELEMENT === 8) {
    const out = values.slice() as T;
    for (let i = 0; i < out.length; i++) if (!isKept(mask, i)) out[i] = 0;
    return out;
  }
  // Zero is all bits zero: that way there is nothing to branch on.
  const { buffer, byteOffset, length } = values;
  const isHalf = values.BYTES_PER_ELEMENT === 2;
  const zeroed = isHalf
    ? keepHalves(mask.bits, new Uint16Array(buffer, byteOffset, length))
    : keepWords(mask.bits, new Uint32Array(buffer, byteOffset, length));
  return new (values.constructor as { new (buffer: ArrayBuffer): T })(zeroed);
}

/** Once for every width: one loop over arrays of two types runs at half the speed. */
function keepHalves(bits: Uint8Array, from: Uint16Array): ArrayBuffer {
  const to = new Uint16Array(from.length);
  let i = 0;
  for (; i + 8 <= to.length; i += 8) {
    const byte = bits[i >> 3];
    to[i] = from[i] & -(byte & 1);
    to[i + 1] = from[i + 1] & -((byte >> 1) & 1);
    to[i + 2] = from[i + 2] & -((byte >> 2) & 1);
    to[i + 3] = from[i + 3] & -((byte >> 3) & 1);
    to[i + 4] = from[i + 4] & -((byte >> 4) & 1);
    to[i + 5] = from[i + 5] & -((byte >> 5) & 1);
    to[i + 6] = from[i + 6] & -((byte >> 6) & 1);
    to[i + 7] = from[i + 7] & -(byte >> 7);
  }
  for (; i < to.length; i++) to[i] = from[i] & -((bits[i >> 3] >> (i & 7)) & 1);
  return to.buffer;
}

function keepWords(bits: Uint8Array, from: Uint32Array): ArrayBuffer {
  const to = new Uint32Array(from.length);
  let i = 0;
  for (; i + 8 <= to.length; i += 8) {
    const byte = bits[i >> 3];
    to[i] = from[i] & -(byte & 1);
    to[i + 1] = from[i + 1] & -((byte >> 1) & 1);
    to[i + 2] = from[i + 2] & -((byte >> 2) & 1);
    to[i + 3] = from[i + 3] & -((byte >> 3) & 1);
    to[i + 4] = from[i + 4] & -((byte >> 4) & 1);
    to[i + 5] = from[i + 5] & -((byte >> 5) & 1);
    to[i + 6] = from[i + 6] & -((byte >> 6) & 1);
    to[i + 7] = from[i + 7] & -(byte >> 7);
  }
  for (; i < to.length; i++) to[i] = from[i] & -((bits[i >> 3] >> (i & 7)) & 1);
  return to.buffer;
}
