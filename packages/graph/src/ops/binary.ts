import type { Role } from '../coupling/slot-context.js';
import {
  addDims,
  type Dim,
  dimEquals,
  divideExactly,
  floorDivideDims,
  isSymbolic,
  multiplyDims,
  subtractDims,
} from '../dim.js';
import { type GraphNode, getInt } from '../graph.js';
import {
  defineOp,
  type EvaluateContext,
  type GradientContext,
  type InferContext,
  type OpRecord,
} from '../op-record.js';
import { type DType, isFloat } from '../tensor.js';
import { type Backward, backwardOf } from './backward.js';
import { broadcastElements, broadcastSlots, inferBroadcast, mapBroadcast } from './broadcast.js';
import { compareOps } from './compare.js';
import { tensorOfDoubles } from './doubles.js';
import { extremumOps } from './extremum.js';
import { pow } from './pow.js';
import { intType } from './views.js';
import { where } from './where.js';

/** Names of the values gradient formulas are made of: `g` the output's gradient, inputs `a`, `b`, output `y`. */
interface BinaryValues {
  readonly g: string;
  readonly a: string;
  readonly b: string;
  readonly y: string;
}

type Formula = (backward: Backward, values: BinaryValues) => string;

interface Binary {
  readonly op: string;
  readonly role: Role;
  f(a: number, b: number, context: EvaluateContext): number;
  element(a: Dim, b: Dim, dtype: DType, node: GraphNode): Dim | undefined;
  /** Gradients of a and b in the output's shape. */
  readonly gradients: readonly [Formula, Formula];
}

const binary: readonly Binary[] = [
  {
    op: 'Add',
    role: 'bias',
    f: (a, b) => a + b,
    element: addDims,
    gradients: [(_, { g }) => g, (_, { g }) => g],
  },
  {
    op: 'Sub',
    role: 'bias',
    f: (a, b) => a - b,
    element: subtractDims,
    gradients: [(_, { g }) => g, ({ op }, { g }) => op('Neg', g)],
  },
  {
    op: 'Mul',
    role: 'scale',
    f: (a, b) => a * b,
    element: multiplyDims,
    gradients: [({ op }, { g, b }) => op('Mul', g, b), ({ op }, { g, a }) => op('Mul', g, a)],
  },
  {
    op: 'Div',
    role: 'scale',
    f: (a, b, context) => (isFloat(context.input(0).dtype) ? a / b : Math.trunc(a / b)),
    element: divideElements,
    gradients: [
      ({ op }, { g, b }) => op('Div', g, b),
      ({ op }, { g, b, y }) => op('Neg', op('Mul', op('Div', g, b), y)),
    ],
  },
  {
    op: 'Mod',
    role: 'factor',
    // fmod=1 takes the sign of a, as in C; otherwise of b, as in Python.
    f: (a, b, { node }) => (getInt(node, 'fmod', 0) === 1 ? a % b : a - Math.floor(a / b) * b),
    element: remainder,
    gradients: [
      (_, { g }) => g,
      // y = a - q b with q whole, hence dy/db = -q = (y - a) / b.
      ({ op }, { g, a, b, y }) => op('Mul', g, op('Div', op('Sub', y, a), b)),
    ],
  },
];

/** Integers divide as ONNX does, towards zero; sizes are positive, so that is downwards. Floats only if it comes out even. */
function divideElements(a: Dim, b: Dim, dtype: DType): Dim | undefined {
  if (b === 0) return undefined;
  if (isFloat(dtype)) {
    if (isSymbolic(a) || isSymbolic(b)) return divideExactly(a, b);
    return Number.isInteger(a / b) ? a / b : undefined;
  }
  return isSymbolic(a) || isSymbolic(b) ? floorDivideDims(a, b) : Math.trunc(a / b);
}

function remainder(a: Dim, b: Dim, _dtype: DType, node: GraphNode): Dim | undefined {
  if (b === 0) return undefined;
  if (divideExactly(a, b) !== undefined) return 0;
  if (isSymbolic(a) || isSymbolic(b)) return dimEquals(a, b) ? 0 : undefined;
  return getInt(node, 'fmod', 0) === 1 ? a % b : a - Math.floor(a / b) * b;
}

function binaryOp({ op, role, f, element, gradients }: Binary): OpRecord {
  return defineOp({
    op,
    infer(context) {
      const { dtype } = sameTypes(context);
      const shape = inferBroadcast(context);
      const elements = broadcastElements(context, shape, ([a, b]) => element(a, b, dtype, context.node));
      return [intType(dtype, shape, elements)];
    },
    slots: (context) => context.set(0, broadcastSlots(context, [0, 1], role)),
    gradient: (context) => gradients.map((formula, i) => binaryGradient(context, formula, i)),
    evaluate(context) {
      const { shape, values } = mapBroadcast([context.input(0), context.input(1)], (a, b) => f(a, b, context));
      return [tensorOfDoubles(context.input(0).dtype, shape, values)];
    },
  });
}

function sameTypes(context: InferContext): { dtype: DType } {
  const [a, b] = [context.input(0).dtype, context.input(1).dtype];
  if (a !== b) context.fail(`combines ${a} with ${b}`);
  return { dtype: a };
}

function binaryGradient(context: GradientContext, formula: Formula, i: number): string | undefined {
  const { node, outputGradients } = context;
  const g = outputGradients[0];
  if (!g || !context.wants(i)) return undefined;
  const [a, b] = node.inputs;
  const gradient = formula(backwardOf(context), { g, a, b, y: node.outputs[0] });
  return context.reduceTo(gradient, context.output(0).shape, i);
}

/** Operators that combine tensors element by element, broadcasting by ONNX's (NumPy's) rules. */
export const binaryOps: readonly OpRecord[] = [...binary.map(binaryOp), pow, ...extremumOps, ...compareOps, where];
