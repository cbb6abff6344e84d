import type { Constant } from '../graph.js';
import { allocate, lazyTensor, sizeOf, type Tensor } from '../tensor.js';

/** Indices that stay along some axes of a constant, ascending. */
export type KeptByAxis = ReadonlyMap<number, readonly number[]>;

/** The constant with only the kept indices. Cut when its elements are asked for: a search over cuts asks for shapes alone. */
export function sliceConstant(constant: Constant, kept: KeptByAxis): Constant {
  const shape = constant.shape.map((size, axis) => kept.get(axis)?.length ?? size);
  const { dtype, storedAs, parameter, value: whole } = constant;
  const value = whole && lazyTensor(dtype, shape, () => sliceTensor(whole, kept).data);
  return {
    dtype,
    shape,
    storedAs,
    value,
    read: async (as) => value ?? sliceTensor(await constant.read(as), kept),
    parameter: parameter && {
      ...parameter,
      shape: parameter.shape.map((size, axis) => {
        const at = parameter.axes.indexOf(axis);
        return at < 0 ? size : shape[at];
      }),
    },
  };
}

/** A new tensor of the kept indices, in order. */
export function sliceTensor(tensor: Tensor, kept: KeptByAxis): Tensor {
  let { shape, data } = tensor;
  for (const [axis, indices] of kept) {
    const outer = sizeOf(shape.slice(0, axis));
    const inner = sizeOf(shape.slice(axis + 1));
    const size = shape[axis];
    const out = allocate(tensor.dtype, outer * indices.length * inner);
    let to = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of indices) {
        const from = (o * size + index) * inner;
        // Both arrays are of the tensor's own type; TypeScript cannot see it through the union.
        (out as Float32Array).set((data as Float32Array).subarray(from, from + inner), to);
        to += inner;
      }
    }
    data = out;
    shape = shape.map((dim, i) => (i === axis ? indices.length : dim));
  }
  return { dtype: tensor.dtype, shape, data };
}
