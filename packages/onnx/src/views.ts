import { type Constant, type ParameterIdentity, sizeOf, stridesOf, type Tensor } from '@secateur/graph';

/**
 * The constant under another shape of the same size; bytes stay where they are.
 *
 * @param axes for every new axis the old one, or `null` for an inserted axis of size 1
 */
export function reshaped(constant: Constant, shape: readonly number[], axes: readonly (number | null)[]): Constant {
  const reshape = (value: Tensor): Tensor => ({ ...value, shape });
  return {
    ...constant,
    shape,
    value: constant.value && reshape(constant.value),
    read: async () => reshape(await constant.read()),
    parameter: constant.parameter && withAxes(constant.parameter, axes),
  };
}

/** The constant with its axes in another order: new axis `i` is old axis `perm[i]`. Its bytes lie nowhere in a file. */
export function transposed(constant: Constant, perm: readonly number[]): Constant {
  return {
    dtype: constant.dtype,
    shape: perm.map((axis) => constant.shape[axis]!),
    value: constant.value && transposeTensor(constant.value, perm),
    read: async () => transposeTensor(await constant.read(), perm),
    parameter: constant.parameter && withAxes(constant.parameter, perm),
  };
}

function withAxes(parameter: ParameterIdentity, axes: readonly (number | null)[]): ParameterIdentity {
  return { ...parameter, axes: axes.map((axis) => (axis === null ? null : parameter.axes[axis]!)) };
}

/** `out[i_perm[0], i_perm[1], …] = value[i_0, i_1, …]`, copied into row-major order. */
export function transposeTensor(value: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => value.shape[axis]!);
  const from = stridesOf(value.shape);
  const strides = perm.map((axis) => from[axis]!);
  const data = value.data.slice();
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < sizeOf(shape); target++) {
    data[target] = value.data[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      source += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype: value.dtype, shape, data };
}
