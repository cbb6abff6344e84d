/** A module of one function with one SIMD instruction; valid where SIMD is. The glue of the targets has a copy. */
export const simdProbe: readonly number[] = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

/** The same with one relaxed SIMD instruction, a swizzle. */
export const relaxedProbe: readonly number[] = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
];

/** Whether this engine runs the baseline module. Found by asking it, never by its name or version. */
export function hasSimd(): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(simdProbe));
}

/** Whether this engine runs the relaxed module. */
export function hasRelaxedSimd(): boolean {
  return hasSimd() && WebAssembly.validate(new Uint8Array(relaxedProbe));
}
