/**
 * The memory of a WebAssembly module as the reference kernels see it: one buffer, a view for each element type. They take the
 * same arguments as the kernels, pointers and strides in bytes, so that one image of memory can be given to both and compared
 * as a whole.
 */
export interface ReferenceMemory {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
}

export function referenceMemory(buffer: ArrayBufferLike): ReferenceMemory {
  return {
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    i32: new Int32Array(buffer),
    u16: new Uint16Array(buffer),
    i16: new Int16Array(buffer),
    i8: new Int8Array(buffer),
    u8: new Uint8Array(buffer),
  };
}

/** A reference kernel: same arguments as the WebAssembly one, sums in float64, results rounded to the stored type once. */
export type ReferenceKernel = (memory: ReferenceMemory, ...args: number[]) => void;
