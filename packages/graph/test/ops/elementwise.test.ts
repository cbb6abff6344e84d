import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { type Attribute, float, GraphBuilder, int, string, symbol, tensor } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { dtypeNumber } from '../../src/ops/element-types.js';
import { elementwiseOps } from '../../src/ops/elementwise.js';
import { erf } from '../../src/ops/erf.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

/** Operators of one input: points and results worked out by hand or from tables. */
interface UnaryCase {
  op: string;
  domain?: string;
  attributes?: Record<string, Attribute>;
  opset?: number;
  x: number[];
  y: number[];
  /** Inputs for the gradient check, where the default noise does not suit. */
  at?: number[];
  further?: (b: GraphBuilder) => string[];
}

const double = { to: int(dtypeNumber('float64')) };
const like = (b: GraphBuilder) => [b.tensor(values([1], [0]))];
const bounds = (b: GraphBuilder) => [b.tensor(values([], [-0.5])), b.tensor(values([], [0.6]))];

const unary: UnaryCase[] = [
  { op: 'Neg', x: [1, -2, 0.5], y: [-1, 2, -0.5] },
  { op: 'Abs', x: [1, -2, 0], y: [1, 2, 0] },
  { op: 'Sign', x: [3, -2, 0], y: [1, -1, 0] },
  { op: 'Floor', x: [1.5, -1.5, 2], y: [1, -2, 2] },
  { op: 'Ceil', x: [1.5, -1.5, 2], y: [2, -1, 2] },
  { op: 'Sqrt', x: [4, 9, 0.25], y: [2, 3, 0.5], at: [0.3, 1, 4, 2.5] },
  { op: 'Reciprocal', x: [4, -2, 0.5], y: [0.25, -0.5, 2] },
  { op: 'Exp', x: [0, 1, Math.LN2], y: [1, Math.E, 2] },
  { op: 'Log', x: [1, Math.E, 8], y: [0, 1, 3 * Math.LN2], at: [0.3, 1, 4, 2.5] },
  { op: 'Sin', x: [0, Math.PI / 2, Math.PI / 6], y: [0, 1, 0.5] },
  { op: 'Cos', x: [0, Math.PI / 2, Math.PI / 3], y: [1, 0, 0.5] },
  { op: 'Sigmoid', x: [0, Math.log(3), -Math.log(3)], y: [0.5, 0.75, 0.25] },
  { op: 'Tanh', x: [0, Math.log(2), -Math.log(3)], y: [0, 0.6, -0.8] },
  { op: 'Erf', x: [0, 1, -0.5], y: [0, 0.8427007929497148, -0.5204998778130465] },
  { op: 'Relu', x: [2, -3, 0], y: [2, 0, 0] },
  { op: 'Softplus', x: [0, Math.log(3), -800, 800], y: [Math.LN2, Math.log(4), 0, 800], at: [0.3, -1, 4, 2] },
  { op: 'LeakyRelu', x: [2, -3, 0], y: [2, -0.03, 0] },
  { op: 'LeakyRelu', attributes: { alpha: float(0.5) }, x: [2, -3, 0], y: [2, -1.5, 0] },
  { op: 'Gelu', opset: 20, x: [0, 1, -1], y: [0, 0.8413447460685429, -0.158655253931457] },
  { op: 'Gelu', domain: 'com.microsoft', x: [0, 1, -1], y: [0, 0.8413447460685429, -0.158655253931457] },
  {
    op: 'QuickGelu',
    domain: 'com.microsoft',
    attributes: { alpha: float(2) },
    x: [0, Math.log(3) / 2],
    y: [0, 0.375 * Math.log(3)],
  },
  {
    op: 'Gelu',
    opset: 20,
    attributes: { approximate: string('tanh') },
    x: [0, 1, -1],
    y: [0, 0.8411919906082767, -0.1588080093917232],
  },
  { op: 'Swish', opset: 24, x: [0, Math.log(3)], y: [0, 0.75 * Math.log(3)] },
  { op: 'Swish', opset: 24, attributes: { alpha: float(2) }, x: [0, Math.log(3) / 2], y: [0, 0.375 * Math.log(3)] },
  { op: 'Identity', x: [1, -2], y: [1, -2] },
  { op: 'Dropout', x: [1, -2], y: [1, -2] },
  { op: 'Cast', attributes: double, x: [1.5, -2], y: [1.5, -2] },
  { op: 'CastLike', x: [1.5, -2], y: [1.5, -2], further: like },
  { op: 'Clip', x: [2, 0.25, -3], y: [0.6, 0.25, -0.5], further: bounds },
];

const apply = (b: GraphBuilder, one: UnaryCase, x: string, name?: string): string =>
  b.op(one.op, [x, ...(one.further?.(b) ?? [])], one.attributes ?? {}, { name, domain: one.domain });

const cases: OpCase[] = unary.flatMap((one): OpCase[] => [
  {
    op: one.op,
    name: 'values',
    opset: one.opset,
    build: (b) => apply(b, one, b.input('x', 'float64', [one.x.length]), 'y'),
    feeds: { x: values([one.x.length], one.x) },
    values: one.y,
  },
  {
    op: one.op,
    name: 'keeps a symbolic shape',
    opset: one.opset,
    build: (b) => apply(b, one, b.input('x', 'float64', [symbol('batch'), 3, symbol('height')]), 'y'),
    shape: '[batch, 3, height]',
  },
  {
    op: one.op,
    name: 'lets slots through',
    opset: one.opset,
    build(b) {
      const x = b.op('MatMul', [b.input('x', 'float64', [symbol('batch'), 3]), weight(b, 'w1', [3, 4])]);
      b.op('MatMul', [apply(b, one, x), weight(b, 'w2', [4, 2])], {}, { name: 'y' });
    },
    groups: ['4x w1:1 w2:0'],
  },
]);

/** Arithmetic on sizes, as exporters write it. */
const elements: [op: string, (b: GraphBuilder, shape: string) => string, expected: string[] | undefined][] = [
  ['Neg', (b, s) => b.op('Neg', [s]), ['-batch', '-3', '-2*height']],
  ['Identity', (b, s) => b.op('Identity', [s]), ['batch', '3', '2*height']],
  ['Cast', (b, s) => b.op('Cast', [s], { to: int(1) }), ['batch', '3', '2*height']],
  ['CastLike', (b, s) => b.op('CastLike', [s, b.scalar(0)]), ['batch', '3', '2*height']],
  ['Floor', (b, s) => b.op('Floor', [b.op('Cast', [s], { to: int(1) })]), ['batch', '3', '2*height']],
  ['Cast to half precision, which cannot hold sizes', (b, s) => b.op('Cast', [s], { to: int(10) }), undefined],
  ['Abs of a symbol, whose sign is not known', (b, s) => b.op('Abs', [s]), undefined],
  ['Abs of numbers', (b) => b.op('Abs', [b.ints([-3, 4])]), ['3', '4']],
  ['Sign of numbers', (b) => b.op('Sign', [b.ints([-3, 4])]), ['-1', '1']],
];

for (const [name, build, expected] of elements) {
  cases.push({
    op: name.split(' ')[0]!,
    name: `elements: ${name}`,
    build(b) {
      const x = b.input('x', 'float32', [symbol('batch'), 3, parse('height')]);
      b.op('Identity', [build(b, b.op('Shape', [x]))], {}, { name: 'y' });
    },
    ...(expected ? { elements: expected } : {}),
    shape: name.endsWith('numbers') ? '[2]' : '[3]',
  });
}

function parse(name: string) {
  return { text: `2*${name}`, terms: new Map([[name, 2]]) };
}

testOps(elementwiseOps, cases);

const flat = new Set(['Sign', 'Floor', 'Ceil']);
testGradients(
  elementwiseOps,
  unary
    .filter((one) => !flat.has(one.op))
    .map(
      (one): GradientCase => ({
        op: one.op,
        name: `central differences ${JSON.stringify(one.attributes ?? '')}`,
        opset: one.opset,
        build: (b) => apply(b, one, b.input('x', 'float64', [2, symbol('n')]), 'y'),
        feeds: { x: one.at ? values([2, 2], one.at) : noise([2, 6], 5) },
        wrt: ['x'],
      }),
    ),
);

describe('erf', () => {
  // Abramowitz & Stegun, table 7.1, and the complementary function far out.
  it.each([
    [0.1, 0.1124629160182849],
    [2, 0.9953222650189527],
    [3.5, 0.9999992569016276],
    [7, 1],
    [Number.NaN, Number.NaN],
  ])('erf(%f) = %f within 2e-15 (about 40 roundings)', (x, y) => {
    if (Number.isNaN(y)) expect(erf(x)).toBeNaN();
    else expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(2e-15);
    expect(erf(-x)).toBe(-erf(x));
  });
});

describe('refusals and dtypes', () => {
  const run = (op: string, x: ReturnType<typeof tensor>, attributes = {}) => {
    const b = new GraphBuilder('case');
    const y = b.op(op, [b.input('x', x.dtype, x.shape)], attributes);
    b.output(y, x.dtype, x.shape);
    return evaluateGraph(b.build(), { x })[y]!;
  };

  it('Cast to an integer truncates and to bool tests for zero', () => {
    const x = tensor('float32', [3], Float32Array.of(1.7, -1.7, 0));
    expect(run('Cast', x, { to: int(7) })).toEqual(tensor('int64', [3], BigInt64Array.of(1n, -1n, 0n)));
    expect(run('Cast', x, { to: int(9) })).toEqual(tensor('bool', [3], Uint8Array.of(1, 1, 0)));
  });

  it('float32 is computed in double precision and rounded once', () => {
    const x = tensor('float32', [1], Float32Array.of(0.3));
    expect(run('Exp', x).data[0]).toBe(Math.fround(Math.exp(Math.fround(0.3))));
  });

  it('Dropout in training mode is refused', () => {
    const b = new GraphBuilder('case');
    const training = b.tensor(tensor('bool', [], Uint8Array.of(1)));
    b.op('Dropout', [b.input('x', 'float32', [2]), b.scalar(0.5), training], {}, { name: 'y' });
    b.outputs.push({ name: 'y', dtype: 'float32', shape: [2] });
    expect(() => evaluateGraph(b.build(), { x: tensor('float32', [2], Float32Array.of(1, 2)) })).toThrowError(
      expect.objectContaining({ code: 'BAD_DATA' }),
    );
  });

  it('Cast to a type that is not known is refused', () => {
    const b = new GraphBuilder('case');
    b.op('Cast', [b.input('x', 'float32', [2])], { to: int(99) });
    expect(() => inferTypes(b.build())).toThrowError(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});
