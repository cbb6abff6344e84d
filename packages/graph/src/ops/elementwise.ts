import { isSymbolic, multiplyDims } from '../dim.js';
import { getFloat, getString } from '../graph.js';
import type { OpRecord } from '../op-record.js';
import type { Backward } from './backward.js';
import { castOps } from './cast.js';
import { clip } from './clip.js';
import { erf } from './erf.js';
import { passOps } from './pass.js';
import { type Unary, unaryOp } from './unary.js';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
/** The tanh approximation of GELU: 0.5 x (1 + tanh(c0 (x + c1 x^3))). */
const [c0, c1] = [Math.sqrt(2 / Math.PI), 0.044715];

const gelu = (x: number): number => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(c0 * (x + c1 * x ** 3)));

const unary: readonly Unary[] = [
  { op: 'Neg', f: (x) => -x, gradient: (b, { g }) => b.op('Neg', g), element: (x) => multiplyDims(x, -1) },
  {
    op: 'Abs',
    f: Math.abs,
    gradient: (b, { g, x }) => b.op('Mul', g, b.op('Sign', x)),
    element: (x) => (isSymbolic(x) ? undefined : Math.abs(x)),
  },
  { op: 'Sign', f: Math.sign, gradient: 'none', element: (x) => (isSymbolic(x) ? undefined : Math.sign(x)) },
  { op: 'Floor', f: Math.floor, gradient: 'none', element: (x) => x },
  { op: 'Ceil', f: Math.ceil, gradient: 'none', element: (x) => x },
  { op: 'Sqrt', f: Math.sqrt, gradient: (b, { g, y }) => b.op('Mul', g, b.op('Div', b.scalar(0.5), y)) },
  {
    op: 'Reciprocal',
    f: (x) => 1 / x,
    gradient: (b, { g, y }) => b.op('Neg', b.op('Mul', g, b.op('Mul', y, y))),
  },
  { op: 'Exp', f: Math.exp, gradient: (b, { g, y }) => b.op('Mul', g, y) },
  { op: 'Log', f: Math.log, gradient: (b, { g, x }) => b.op('Div', g, x) },
  { op: 'Sin', f: Math.sin, gradient: (b, { g, x }) => b.op('Mul', g, b.op('Cos', x)) },
  { op: 'Cos', f: Math.cos, gradient: (b, { g, x }) => b.op('Neg', b.op('Mul', g, b.op('Sin', x))) },
  {
    op: 'Sigmoid',
    f: logistic,
    gradient: (b, { g, y }) => b.op('Mul', g, b.op('Sub', y, b.op('Mul', y, y))),
  },
  {
    op: 'Tanh',
    f: Math.tanh,
    gradient: (b, { g, y }) => b.op('Mul', g, b.op('Sub', b.scalar(1), b.op('Mul', y, y))),
  },
  {
    op: 'Erf',
    f: erf,
    gradient: (b, { g, x }) => b.op('Mul', g, b.op('Mul', gauss(b, x), b.scalar(2 / Math.sqrt(Math.PI)))),
  },
  { op: 'Relu', f: (x) => Math.max(x, 0), gradient: (b, { g, y }) => b.op('Mul', g, b.op('Sign', y)) },
  {
    op: 'Softplus',
    // log(1 + e^x), without overflow.
    f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    gradient: (b, { g, x }) => b.op('Mul', g, b.op('Sigmoid', x)),
  },
  {
    op: 'LeakyRelu',
    f: (x, node) => (x < 0 ? getFloat(node, 'alpha', 0.01) * x : x),
    gradient: (b, { g, x, node }) =>
      b.op('Where', b.op('Less', x, b.scalar(0)), b.op('Mul', g, b.scalar(getFloat(node, 'alpha', 0.01))), g),
  },
  {
    op: 'Gelu',
    f: (x, node) => (getString(node, 'approximate', 'none') === 'tanh' ? geluTanh(x) : gelu(x)),
    gradient: (b, { g, x, node }) =>
      b.op('Mul', g, getString(node, 'approximate', 'none') === 'tanh' ? geluTanhSlope(b, x) : geluSlope(b, x)),
  },
  {
    op: 'Swish',
    f: (x, node) => x * logistic(getFloat(node, 'alpha', 1) * x),
    gradient: (b, { g, x, y, node }) => b.op('Mul', g, swishSlope(b, x, y, getFloat(node, 'alpha', 1))),
  },
  // onnxruntime's own names, which its optimiser and some exporters write.
  { op: 'Gelu', domain: 'com.microsoft', f: gelu, gradient: (b, { g, x }) => b.op('Mul', g, geluSlope(b, x)) },
  {
    op: 'QuickGelu',
    domain: 'com.microsoft',
    f: (x, node) => x * logistic(getFloat(node, 'alpha', 1.702) * x),
    gradient: (b, { g, x, y, node }) => b.op('Mul', g, swishSlope(b, x, y, getFloat(node, 'alpha', 1.702))),
  },
];

/** exp(-x^2) */
function gauss(b: Backward, x: string): string {
  return b.op('Exp', b.op('Neg', b.op('Mul', x, x)));
}

/** Phi(x) + x phi(x), with Phi the standard normal distribution and phi its density. */
function geluSlope(b: Backward, x: string): string {
  const scaled = b.op('Mul', x, b.scalar(Math.SQRT1_2));
  const distribution = b.op('Mul', b.op('Add', b.op('Erf', scaled), b.scalar(1)), b.scalar(0.5));
  const density = b.op('Mul', gauss(b, scaled), b.scalar(1 / Math.sqrt(2 * Math.PI)));
  return b.op('Add', distribution, b.op('Mul', x, density));
}

/** With t = tanh(c0 (x + c1 x^3)): 0.5 (1 + t) + 0.5 x (1 - t^2) c0 (1 + 3 c1 x^2). */
function geluTanhSlope(b: Backward, x: string): string {
  const square = b.op('Mul', x, x);
  const inner = b.op('Mul', x, b.op('Add', b.op('Mul', square, b.scalar(c0 * c1)), b.scalar(c0)));
  const t = b.op('Tanh', inner);
  const slope = b.op('Add', b.op('Mul', square, b.scalar(1.5 * c0 * c1)), b.scalar(0.5 * c0));
  const tail = b.op('Mul', b.op('Mul', x, slope), b.op('Sub', b.scalar(1), b.op('Mul', t, t)));
  return b.op('Add', b.op('Mul', b.op('Add', t, b.scalar(1)), b.scalar(0.5)), tail);
}

/** With s = sigmoid(alpha x), y = x s: s (1 + alpha (x - y)). */
function swishSlope(b: Backward, x: string, y: string, alpha: number): string {
  const scale = (value: string): string => (alpha === 1 ? value : b.op('Mul', value, b.scalar(alpha)));
  const rest = b.op('Add', scale(b.op('Sub', x, y)), b.scalar(1));
  return b.op('Mul', b.op('Sigmoid', scale(x)), rest);
}

/** Operators with one tensor input that treat every element alone. */
export const elementwiseOps: readonly OpRecord[] = [...unary.map(unaryOp), ...passOps, ...castOps, clip];
