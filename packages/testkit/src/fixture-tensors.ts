import { readFileSync } from 'node:fs';
import { fixturePath } from './fixtures.js';

/** A tensor of a fixture, row-major; structurally a `Tensor` of `@secateur/graph`. */
export interface FixtureTensor {
  readonly dtype: 'float32' | 'float64' | 'int64' | 'int32' | 'uint8';
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;
}

const types = {
  F32: ['float32', Float32Array],
  F64: ['float64', Float64Array],
  I64: ['int64', BigInt64Array],
  I32: ['int32', Int32Array],
  U8: ['uint8', Uint8Array],
} as const;

/**
 * All tensors of a committed safetensors file, by name: for packages that stand below `@secateur/safetensors` and must
 * not import it. Trusts the file. Reads it anew on every call, so that a test may write into what it got.
 *
 * @param path  below the fixtures folder, e.g. `unet2d-tiny/golden.safetensors`
 */
export function loadFixtureTensors(path: string): Record<string, FixtureTensor> {
  const file = readFileSync(fixturePath(path));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header: Record<string, HeaderEntry> = JSON.parse(file.toString('utf8', 8, start));
  const tensors: Record<string, FixtureTensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [dtype, DataArray] = types[entry.dtype];
    const [begin, end] = entry.data_offsets;
    // A copy of its own: aligned, and as large as the tensor.
    const bytes = Uint8Array.from(file.subarray(start + begin, start + end));
    tensors[name] = { dtype, shape: entry.shape, data: new DataArray(bytes.buffer) };
  }
  return tensors;
}

interface HeaderEntry {
  dtype: keyof typeof types;
  shape: number[];
  data_offsets: [number, number];
}
