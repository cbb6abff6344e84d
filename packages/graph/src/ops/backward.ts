import { isSymbolic } from '../dim.js';
import { type Attribute, int, ints } from '../graph.js';
import type { GradientContext } from '../op-record.js';
import { castTensor, type DType, sizeOf, type Tensor } from '../tensor.js';
import { dtypeNumber } from './element-types.js';

/** Writes backward nodes in the form that the opset wants, under short names: formulas read best on one line. */
export interface Backward {
  op(op: string, ...inputs: string[]): string;
  /** A scalar of the dtype that is differentiated in. */
  scalar(value: number): string;
  cast(value: string, dtype: DType): string;
  /** Sum over `axes`, which stay with size 1 unless `keep` is false. */
  sum(value: string, axes: readonly number[], keep?: boolean): string;
  /** Mean over `axes`, which stay with size 1. */
  mean(value: string, axes: readonly number[]): string;
  /** New axes of size 1 at positions `axes` of the result. */
  unsqueeze(value: string, axes: readonly number[]): string;
  reshape(value: string, shape: readonly number[]): string;
  /** Number of elements along `axes` of the input, times `factor`; computed at run time where a size is symbolic. */
  count(axes: readonly number[], factor?: number): string;
}

/** A {@link Backward} that writes where the context says, in the dtype of input `i`. */
export function backwardOf(context: GradientContext, i = 0): Backward {
  const { builder, opset, node } = context;
  const { dtype, shape } = context.input(i);
  const op = (name: string, ...inputs: string[]): string => builder.op(name, inputs);
  const scalar = (value: number): string => builder.tensor(scalarTensor(value, dtype));
  const cast = (value: string, to: DType): string => builder.op('Cast', [value], { to: int(dtypeNumber(to)) });
  const reduce = (name: string, inputSince: number, value: string, axes: readonly number[], keep: boolean): string => {
    const attributes: Record<string, Attribute> = { keepdims: int(keep ? 1 : 0) };
    return opset >= inputSince
      ? builder.op(name, [value, builder.ints(axes)], attributes)
      : builder.op(name, [value], { ...attributes, axes: ints(axes) });
  };
  return {
    op,
    scalar,
    cast,
    sum: (value, axes, keep = true) => reduce('ReduceSum', 13, value, axes, keep),
    mean: (value, axes) => reduce('ReduceMean', 18, value, axes, true),
    unsqueeze: (value, axes) => (axes.length === 0 ? value : op('Unsqueeze', value, builder.ints(axes))),
    reshape: (value, target) => op('Reshape', value, builder.ints(target)),
    count: (axes, factor = 1) => {
      const dims = axes.map((axis) => shape[axis]);
      if (!dims.some(isSymbolic)) return scalar(sizeOf(dims as number[]) * factor);
      const sizes = op('Gather', op('Shape', node.inputs[i]), builder.ints(axes));
      const count = cast(builder.op('ReduceProd', [sizes], { keepdims: int(0) }), dtype);
      return factor === 1 ? count : op('Mul', count, scalar(factor));
    },
  };
}

/** A scalar of a floating-point dtype. */
export function scalarTensor(value: number, dtype: DType): Tensor {
  return castTensor({ dtype: 'float64', shape: [], data: Float64Array.of(value) }, dtype);
}
