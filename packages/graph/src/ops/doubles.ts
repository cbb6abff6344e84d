import { allocate, type DType, type Tensor } from '../tensor.js';

const maxInt64 = 2n ** 63n - 1n;

/** The values as numbers; float arrays as they are, without a copy. */
export function doublesOf(value: Tensor): ArrayLike<number> {
  const { data } = value;
  return data instanceof BigInt64Array || data instanceof BigUint64Array ? Float64Array.from(data, Number) : data;
}

/** A tensor of `dtype` from values computed in double precision, rounded once. */
export function tensorOfDoubles(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const data = allocate(dtype, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    // The largest int64, which exporters use for "to the end", is rounded up beyond the range when read as a number.
    for (let i = 0; i < data.length; i++) data[i] = values[i] >= 2 ** 63 ? maxInt64 : BigInt(Math.trunc(values[i]));
  } else {
    for (let i = 0; i < data.length; i++) data[i] = values[i];
  }
  return { dtype, shape, data };
}
