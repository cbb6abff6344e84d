import { SecateurError } from './errors.js';
import {
  bfloatsToFloats,
  floatsToBfloats,
  floatsToHalves,
  floatToBfloat,
  floatToHalf,
  halvesToFloats,
} from './half.js';

/** Element types, named as ONNX names them. */
export type DType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * A dense tensor in memory, row-major. `float16` and `bfloat16` hold their bit patterns in a `Uint16Array`, `bool` holds
 * 0 or 1 in a `Uint8Array`.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

type DataConstructor = {
  new (length: number): TensorData;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
  readonly BYTES_PER_ELEMENT: number;
};

const constructors: Record<DType, DataConstructor> = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float64';
}

/** Number of elements of a shape; 1 for a scalar `[]`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

/** Row-major strides in elements: `[C, H, W]` gives `[H*W, W, 1]`. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Zero-filled storage for `length` elements of `dtype`. */
export function allocate(dtype: DType, length: number): TensorData {
  return new constructors[dtype](length);
}

/** A tensor of zeros. */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}

/** @throws {SecateurError} SHAPE_MISMATCH when the shape does not hold `data.length` elements */
export function tensor(dtype: DType, shape: readonly number[], data: TensorData): Tensor {
  if (sizeOf(shape) !== data.length) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `Shape [${shape}] holds ${sizeOf(shape)} elements; ${data.length} given.`,
    );
  }
  return { dtype, shape, data };
}

/** A tensor whose elements are made when they are first read, and kept. */
export function lazyTensor(dtype: DType, shape: readonly number[], make: () => TensorData): Tensor {
  let made: TensorData | undefined;
  return {
    dtype,
    shape,
    get data() {
      return (made ??= make());
    },
  };
}

/** A float32 tensor from numbers. */
export function float32(shape: readonly number[], values: ArrayLike<number>): Tensor {
  return tensor('float32', shape, values instanceof Float32Array ? values : Float32Array.from(values));
}

/** An int64 tensor from whole numbers; shape `[length]` unless given. */
export function int64(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return tensor(
    'int64',
    shape,
    BigInt64Array.from(values, (value) => BigInt(value)),
  );
}

/** The tensor's bytes (little-endian, as the platform's), without a copy. */
export function bytesOf(value: Tensor): Uint8Array {
  return new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
}

/**
 * A tensor over raw little-endian bytes; copies only when `bytes` is not aligned to the element size.
 * @throws {SecateurError} SHAPE_MISMATCH when the byte length is not what the shape needs
 */
export function tensorFromBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  const length = sizeOf(shape);
  const width = bytesPerElement(dtype);
  if (bytes.byteLength !== length * width) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `${dtype} of shape [${shape}] needs ${length * width} bytes; ${bytes.byteLength} given.`,
    );
  }
  // Not `bytes.slice()`: on Node's Buffer that is a view, as unaligned as the original.
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return { dtype, shape, data: new constructors[dtype](aligned.buffer, aligned.byteOffset, length) };
}

/** The values as float32; shares memory when the tensor is float32 already. */
export function toFloat32(value: Tensor): Float32Array {
  const { data, dtype } = value;
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16') return halvesToFloats(data as Uint16Array);
  if (dtype === 'bfloat16') return bfloatsToFloats(data as Uint16Array);
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  return out;
}

/** The values as plain numbers: for shapes, indices and other small integer tensors. */
export function toNumbers(value: Tensor): number[] {
  return isFloat(value.dtype) ? Array.from(toFloat32(value)) : Array.from(value.data, Number);
}

const limits = { signed: [-(2n ** 63n), 2n ** 63n - 1n], unsigned: [0n, 2n ** 64n - 1n] } as const;

/** Truncated. ONNX leaves open what becomes of infinities and NaN: the nearest integer there is, and 0. */
function toBigInt(value: number | bigint, unsigned: boolean): bigint {
  const [low, high] = unsigned ? limits.unsigned : limits.signed;
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 0n;
    if (value >= 2 ** 64) return high;
    if (value <= -(2 ** 64)) return low;
  }
  const whole = BigInt(typeof value === 'number' ? Math.trunc(value) : value);
  return whole < low ? low : whole > high ? high : whole;
}

/** A tensor of another dtype with the same values, rounded to nearest (floats) or truncated (to integers). */
export function castTensor(value: Tensor, dtype: DType): Tensor {
  if (value.dtype === dtype) return value;
  const { shape } = value;
  if (dtype === 'float32') return { dtype, shape, data: toFloat32(value) };
  if (dtype === 'float16' && value.data instanceof Float32Array) {
    return { dtype, shape, data: floatsToHalves(value.data) };
  }
  if (dtype === 'bfloat16' && value.data instanceof Float32Array) {
    return { dtype, shape, data: floatsToBfloats(value.data) };
  }
  const length = value.data.length;
  const data = allocate(dtype, length);
  const read: ArrayLike<number | bigint> =
    value.dtype === 'float16' || value.dtype === 'bfloat16' ? toFloat32(value) : value.data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < length; i++) data[i] = toBigInt(read[i], dtype === 'uint64');
  } else if (dtype === 'float16') for (let i = 0; i < length; i++) data[i] = floatToHalf(Number(read[i]));
  else if (dtype === 'bfloat16') for (let i = 0; i < length; i++) data[i] = floatToBfloat(Number(read[i]));
  else if (dtype === 'bool') for (let i = 0; i < length; i++) data[i] = Number(read[i]) ? 1 : 0;
  else for (let i = 0; i < length; i++) data[i] = Number(read[i]);
  return { dtype, shape, data };
}
