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
  let count = 0;
  for (let byte of mask.bits) for (; byte; byte &= byte - 1) count++;
  return count;
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
  if (values.length !== sizeOf(mask.shape)) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The mask is for [${mask.shape}]; the tensor has ${values.length} elements.`,
    );
  }
  const out = values.slice() as T;
  for (let i = 0; i < out.length; i++) if (!isKept(mask, i)) out[i] = 0;
  return out;
}
