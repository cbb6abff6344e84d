import type { SlotContext } from '../coupling/slot-context.js';
import { addDims, type Dim, isSymbolic, productOfDims } from '../dim.js';
import { SecateurError } from '../errors.js';
import { type GraphNode, getInt, getInts } from '../graph.js';
import {
  defineOp,
  type EvaluateContext,
  type GradientContext,
  type InferContext,
  type OpRecord,
} from '../op-record.js';
import { toNumbers } from '../tensor.js';
import { argExtremumOps } from './arg-extremum.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { foldAxes, keptShape } from './fold-axes.js';
import { intType, normalAxis } from './views.js';

/** Names of the values gradient formulas are made of; `g` and `y` keep the reduced axes with size 1. */
interface ReduceValues {
  readonly g: string;
  readonly x: string;
  readonly y: string;
  readonly axes: readonly number[];
}

interface Reduction {
  readonly op: string;
  /** Opset since which the axes are an input instead of an attribute. */
  readonly inputSince: number;
  /** Reduces the numbers of one row. */
  f(row: Float64Array): number;
  element?(row: readonly Dim[]): Dim | undefined;
  /** Gradient of x, of any shape that broadcasts to x's. */
  gradient(b: Backward, values: ReduceValues): string;
  /**
   * Why a reduced axis cannot be cut. Left out for sums, where removing an index is the same as setting it to zero, and for
   * means, which are the statistics of a normalisation written out and may shrink as those of LayerNormalization may.
   */
  readonly pin?: string;
}

const reductions: readonly Reduction[] = [
  {
    op: 'ReduceSum',
    inputSince: 13,
    f: (row) => row.reduce((sum, x) => sum + x, 0),
    element: (row) => row.reduce(addDims, 0),
    gradient: (_, { g }) => g,
  },
  {
    op: 'ReduceMean',
    inputSince: 18,
    f: (row) => row.reduce((sum, x) => sum + x, 0) / row.length,
    gradient: (b, { g, axes }) => b.op('Div', g, b.count(axes)),
  },
  {
    op: 'ReduceMax',
    inputSince: 18,
    f: (row) => row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    element: (row) => (row.some(isSymbolic) ? undefined : Math.max(...(row as number[]))),
    gradient: extremumGradient,
    pin: 'maximum over this axis',
  },
  {
    op: 'ReduceMin',
    inputSince: 18,
    f: (row) => row.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    element: (row) => (row.some(isSymbolic) ? undefined : Math.min(...(row as number[]))),
    gradient: extremumGradient,
    pin: 'minimum over this axis',
  },
  {
    op: 'ReduceL2',
    inputSince: 18,
    f: (row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)),
    gradient: (b, { g, x, y }) => b.op('Mul', x, b.op('Div', g, y)),
  },
  {
    op: 'ReduceProd',
    inputSince: 18,
    f: (row) => row.reduce((product, x) => product * x, 1),
    element: productOfDims,
    // Not defined where an element is 0: the result is NaN there, never a wrong number.
    gradient: (b, { g, x, y }) => b.op('Div', b.op('Mul', g, y), x),
    pin: 'product over this axis',
  },
];

/** The gradient goes to the elements that attain the extremum, in equal parts where several do. */
function extremumGradient(b: Backward, { g, x, y, axes }: ReduceValues): string {
  const zero = b.scalar(0);
  const attains = b.op('Equal', x, y);
  const ones = b.op('Where', attains, b.scalar(1), zero);
  return b.op('Where', attains, b.op('Div', g, b.sum(ones, axes)), zero);
}

function reduceOp({ op, inputSince, f, element, gradient, pin }: Reduction): OpRecord {
  return defineOp({
    op,
    infer(context) {
      const { dtype, shape } = context.input(0);
      const axes = axesOf(context, inputSince, context.fail);
      const row = context.elements(0);
      const known = row && axes.length > 0 ? element?.(row) : undefined;
      return [
        intType(dtype, keptShape(shape, axes, keepsDims(context.node)), known === undefined ? undefined : [known]),
      ];
    },
    slots(context) {
      const axes = axesOf(context, inputSince, never);
      const inputs = context.axes(0);
      if (pin) for (const axis of axes) context.pin(inputs[axis], pin);
      const reduced = keepsDims(context.node) ? [context.blank()] : [];
      context.set(
        0,
        inputs.flatMap((axis, i) => (axes.includes(i) ? reduced : [axis])),
      );
    },
    gradient: (context) => [reduceGradient(context, axesOf(context, inputSince, context.fail), gradient)],
    evaluate(context) {
      const x = context.input(0);
      const axes = normalAxes(context.node, givenAxes(context, inputSince), x.shape.length, never);
      if (axes.length === 0) return [x];
      const shape = keptShape(x.shape, axes, keepsDims(context.node));
      return [tensorOfDoubles(x.dtype, shape, foldAxes(doublesOf(x), x.shape, axes, f))];
    },
  });
}

function reduceGradient(
  context: GradientContext,
  axes: readonly number[],
  formula: Reduction['gradient'],
): string | undefined {
  const { node, outputGradients, builder } = context;
  if (!outputGradients[0] || !context.wants(0)) return undefined;
  const b = backwardOf(context);
  const keep = (value: string): string => (keepsDims(node) ? value : b.unsqueeze(value, axes));
  const x = node.inputs[0];
  const gradient = formula(b, { g: keep(outputGradients[0]), x, y: keep(node.outputs[0]), axes });
  return builder.op('Expand', [gradient, context.shapeValue(context.input(0).shape, x)]);
}

function keepsDims(node: GraphNode): boolean {
  return getInt(node, 'keepdims', 1) === 1;
}

/** The axes reduced over, counted from the front. */
function axesOf(
  context: InferContext | SlotContext | GradientContext,
  inputSince: number,
  fail: (message: string) => never,
): readonly number[] {
  const { node, opset } = context;
  const given = opset >= inputSince && node.inputs[1] ? context.input(1).elements : (getInts(node, 'axes') ?? []);
  if (!given || given.some(isSymbolic)) fail('reduces over axes that are known only at run time');
  return normalAxes(node, given as readonly number[], context.input(0).shape.length, fail);
}

function givenAxes({ node, opset, inputs }: EvaluateContext, inputSince: number): readonly number[] {
  if (opset >= inputSince) return inputs[1] ? toNumbers(inputs[1]) : [];
  return getInts(node, 'axes') ?? [];
}

/** No axes given means all of them, unless the node says that it means none. */
function normalAxes(
  node: GraphNode,
  given: readonly number[],
  rank: number,
  fail: (message: string) => never,
): readonly number[] {
  if (given.length > 0) return given.map((axis) => normalAxis(axis, rank, fail)).sort((a, b) => a - b);
  return getInt(node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

/** For places that come after inference, which has refused bad axes with the node's name. */
function never(message: string): never {
  throw new SecateurError('SHAPE_MISMATCH', message);
}

/** Reductions over axes. */
export const reduceOps: readonly OpRecord[] = [...reductions.map(reduceOp), ...argExtremumOps];
