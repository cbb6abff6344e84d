import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { type Attribute, GraphBuilder, int, int64, symbol, type Tensor, tensor } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { binaryOps } from '../../src/ops/binary.js';
import { broadcastOffsets } from '../../src/ops/broadcast.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const [batch, height] = [symbol('batch'), symbol('height')];
const input = (b: GraphBuilder, value: Tensor, name: string) => b.input(name, value.dtype, value.shape);

/** `a op b` by hand; the second operand is a row that is repeated. */
const byHand: [op: string, a: number[], b: number[], y: number[], attributes?: Record<string, Attribute>][] = [
  ['Add', [1, 2, 3, 4], [10, 20], [11, 22, 13, 24]],
  ['Sub', [1, 2, 3, 4], [10, 20], [-9, -18, -7, -16]],
  ['Mul', [1, 2, 3, 4], [10, -1], [10, -2, 30, -4]],
  ['Div', [1, 2, 3, 4], [2, -4], [0.5, -0.5, 1.5, -1]],
  ['Mod', [5.5, -5.5, 7, -7], [2, 2], [1.5, -1.5, 1, -1], { fmod: int(1) }],
  ['Mod', [5.5, -5.5, 7, -7], [2, 2], [1.5, 0.5, 1, 1]],
  ['Pow', [1, 2, 3, 4], [2, 3], [1, 8, 9, 64]],
  ['Min', [1, 2, 3, 4], [2, 3], [1, 2, 2, 3]],
  ['Max', [1, 2, 3, 4], [2, 3], [2, 3, 3, 4]],
  ['Equal', [1, 2, 3, 4], [1, 4], [1, 0, 0, 1]],
  ['Less', [1, 2, 3, 4], [2, 4], [1, 1, 0, 0]],
  ['LessOrEqual', [1, 2, 3, 4], [1, 4], [1, 1, 0, 1]],
  ['Greater', [1, 2, 3, 4], [2, 2], [0, 0, 1, 1]],
  ['GreaterOrEqual', [1, 2, 3, 4], [3, 2], [0, 1, 1, 1]],
];

const bools = (data: number[]): Tensor => tensor('bool', [data.length], Uint8Array.from(data));

const cases: OpCase[] = byHand.map(([op, a, b, y, attributes]) => ({
  op,
  name: `values of ${op} ${JSON.stringify(attributes ?? '')}`,
  build: (builder) =>
    builder.op(op, [builder.input('a', 'float64', [2, 2]), builder.input('b', 'float64', [2])], attributes, {
      name: 'y',
    }),
  feeds: { a: values([2, 2], a), b: values([2], b) },
  values: y,
}));

for (const [op, ...rest] of byHand) {
  if (rest[3]) continue;
  cases.push({
    op,
    name: 'broadcasts symbolic shapes both ways',
    build: (b) =>
      b.op(op, [b.input('a', 'float32', [batch, 1, height]), b.input('b', 'float32', [4, 1])], {}, { name: 'y' }),
    shape: '[batch, 4, height]',
  });
}

// One branch made by w1, combined with a vector and with a second branch made by w2, read by w3.
const arithmetic: [op: string, attributes?: Record<string, Attribute>][] = [
  ['Add'],
  ['Sub'],
  ['Mul'],
  ['Div'],
  ['Mod', { fmod: int(1) }],
  ['Pow'],
  ['Min'],
  ['Max'],
];
for (const [op, attributes] of arithmetic) {
  cases.push({
    op,
    name: 'joins both operands, and a constant that is not repeated',
    build(b) {
      const x = b.input('x', 'float64', [batch, 3]);
      const branch = b.op(op, [b.op('MatMul', [x, weight(b, 'w1', [3, 4])]), weight(b, 'v', [4])], attributes);
      const both = b.op(op, [branch, b.op('MatMul', [x, weight(b, 'w2', [3, 4])])], attributes);
      b.op('MatMul', [both, weight(b, 'w3', [4, 2])], {}, { name: 'y' });
    },
    groups: ['4x w1:1 v:0 w2:1 w3:0'],
  });
}

for (const op of ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']) {
  cases.push({
    op,
    name: 'joins both operands',
    build(b) {
      const x = b.input('x', 'float64', [batch, 3]);
      const mask = b.op(op, [b.op('MatMul', [x, weight(b, 'w1', [3, 4])]), weight(b, 'v', [4])]);
      b.op('MatMul', [b.op('Cast', [mask], { to: int(11) }), weight(b, 'w3', [4, 2])], {}, { name: 'y' });
    },
    groups: ['4x w1:1 v:0 w3:0'],
  });
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const told: [op: string, attributes: Record<string, Attribute>, expected: number[]][] = [
  ['IsNaN', {}, [0, 1, 0, 0]],
  ['IsInf', {}, [0, 0, 1, 1]],
  ['IsInf', { detect_negative: int(0) }, [0, 0, 1, 0]],
  ['IsInf', { detect_positive: int(0) }, [0, 0, 0, 1]],
];
for (const [op, attributes, expected] of told) {
  cases.push(
    {
      op,
      name: `values of ${op} ${JSON.stringify(attributes)}`,
      build: (b) => b.op(op, [b.input('a', 'float64', [4])], attributes, { name: 'y' }),
      feeds: { a: values([4], [1, nan, inf, -inf]) },
      shape: '[4]',
      values: expected,
    },
    {
      op,
      name: 'lets slots through',
      build(b) {
        const h = b.op('MatMul', [b.input('x', 'float64', [batch, 3]), weight(b, 'w1', [3, 4])]);
        const mask = b.op('Cast', [b.op(op, [h], attributes)], { to: int(11) });
        b.op('MatMul', [mask, weight(b, 'w3', [4, 2])], {}, { name: 'y' });
      },
      groups: ['4x w1:1 w3:0'],
    },
  );
}

for (const op of ['And', 'Or', 'Not']) {
  const operands = op === 'Not' ? ['a'] : ['a', 'b'];
  const [a, b] = [
    [0, 0, 1, 1],
    [0, 1, 0, 1],
  ];
  const result = { And: [0, 0, 0, 1], Or: [0, 1, 1, 1], Not: [1, 1, 0, 0] }[op]!;
  cases.push({
    op,
    name: 'truth table',
    build: (builder) =>
      builder.op(
        op,
        operands.map((name) => builder.input(name, 'bool', [4])),
        {},
        { name: 'y' },
      ),
    feeds: op === 'Not' ? { a: bools(a!) } : { a: bools(a!), b: bools(b!) },
    shape: '[4]',
    values: result,
  });
  cases.push({
    op,
    name: 'lets slots through',
    build(builder) {
      const x = builder.input('x', 'float64', [batch, 3]);
      const branch = (name: string) =>
        builder.op('Greater', [
          builder.op('MatMul', [x, weight(builder, name, [3, 4])]),
          builder.tensor(values([], [0])),
        ]);
      const mask = builder.op(
        op,
        operands.map((name) => branch(`w_${name}`)),
      );
      builder.op(
        'MatMul',
        [builder.op('Cast', [mask], { to: int(11) }), weight(builder, 'w3', [4, 2])],
        {},
        { name: 'y' },
      );
    },
    groups: [op === 'Not' ? '4x w_a:1 w3:0' : '4x w_a:1 w_b:1 w3:0'],
  });
}

cases.push(
  {
    op: 'Where',
    name: 'chooses, broadcasting all three',
    build: (b) =>
      b.op(
        'Where',
        [b.input('c', 'bool', [2]), b.input('a', 'float64', [2, 1]), b.input('b', 'float64', [])],
        {},
        { name: 'y' },
      ),
    feeds: { c: bools([1, 0]), a: values([2, 1], [1, 2]), b: values([], [9]) },
    shape: '[2, 2]',
    values: [1, 9, 2, 9],
  },
  {
    op: 'Where',
    name: 'joins both branches and the condition',
    build(b) {
      const x = b.input('x', 'float64', [batch, 3]);
      const h = b.op('MatMul', [x, weight(b, 'w1', [3, 4])]);
      const other = b.op('MatMul', [x, weight(b, 'w2', [3, 4])]);
      const y = b.op('Where', [b.op('Greater', [h, weight(b, 'v', [4])]), h, other]);
      b.op('MatMul', [y, weight(b, 'w3', [4, 2])], {}, { name: 'y' });
    },
    groups: ['4x w1:1 w2:1 v:0 w3:0'],
  },
  {
    op: 'Max',
    name: 'takes any number of inputs',
    build: (b) =>
      b.op(
        'Max',
        ['a', 'b', 'c'].map((name) => b.input(name, 'float64', [2])),
        {},
        { name: 'y' },
      ),
    feeds: { a: values([2], [1, 5]), b: values([2], [3, 2]), c: values([2], [2, 4]) },
    values: [3, 5],
  },
);

/** Arithmetic on the sizes [batch, 6, 2*height], as exporters write it. */
const sizes: [
  op: string,
  name: string,
  build: (b: GraphBuilder, s: string) => string,
  expected: string[] | undefined,
][] = [
  ['Add', 'with a scalar', (b, s) => b.op('Add', [s, b.tensor(int64([1], []))]), ['batch+1', '7', '2*height+1']],
  ['Sub', 'from a vector', (b, s) => b.op('Sub', [b.ints([1, 2, 3]), s]), ['-batch+1', '-4', '-2*height+3']],
  ['Mul', 'of symbols', (b, s) => b.op('Mul', [s, s]), ['batch*batch', '36', '4*height*height']],
  ['Div', 'even and not', (b, s) => b.op('Div', [s, b.ints([2])]), ['floor(batch/2)', '3', 'height']],
  [
    'Div',
    'of floats is not rounded',
    (b, s) => b.op('Div', [b.op('Cast', [s], { to: int(1) }), b.op('Cast', [b.ints([4])], { to: int(1) })]),
    undefined,
  ],
  [
    'Mul',
    'of floats, before an upsampling',
    (b, s) => b.op('Mul', [b.op('Cast', [s], { to: int(1) }), b.scalar(2)]),
    ['2*batch', '12', '4*height'],
  ],
  [
    'Mul',
    'by a fraction is unknown',
    (b, s) => b.op('Mul', [b.op('Cast', [s], { to: int(1) }), b.scalar(0.5)]),
    undefined,
  ],
  ['Div', 'by zero is unknown', (b, s) => b.op('Div', [s, b.ints([0])]), undefined],
  ['Mod', 'even', (b, s) => b.op('Mod', [s, b.ints([1, 4, 2])]), ['0', '2', '0']],
  ['Pow', 'squares', (b, s) => b.op('Pow', [s, b.ints([2])]), ['batch*batch', '36', '4*height*height']],
  ['Max', 'of equal symbols', (b, s) => b.op('Max', [s, s]), ['batch', '6', '2*height']],
  ['Min', 'of unequal ones is unknown', (b, s) => b.op('Min', [s, b.ints([3])]), undefined],
  ['Equal', 'to -1, as Expand is exported', (b, s) => b.op('Equal', [s, b.ints([-1])]), ['0', '0', '0']],
  ['Equal', 'to a size it may have is unknown', (b, s) => b.op('Equal', [s, b.ints([4])]), undefined],
  [
    'Where',
    'with a known condition',
    (b, s) => b.op('Where', [b.op('Equal', [s, b.ints([-1])]), b.ints([1]), s]),
    ['batch', '6', '2*height'],
  ],
];
for (const [op, name, build, expected] of sizes) {
  cases.push({
    op,
    name: `elements: ${name}`,
    build(b) {
      const x = b.input('x', 'float32', [batch, 6, { text: '2*height', terms: new Map([['height', 2]]) }]);
      b.op('Identity', [build(b, b.op('Shape', [x]))], {}, { name: 'y' });
    },
    ...(expected ? { elements: expected } : {}),
    shape: '[3]',
  });
}

cases.push({
  op: 'Where',
  name: 'shape of a branch',
  build: (b) =>
    b.op('Where', [b.input('c', 'bool', [batch, 1]), b.input('a', 'float32', [4]), b.scalar(0)], {}, { name: 'y' }),
  shape: '[batch, 4]',
});

testOps(binaryOps, cases);

const positive = (shape: number[], seed: number): Tensor => {
  const value = noise(shape, seed);
  return { ...value, data: Float64Array.from(value.data as Float64Array, (x) => Math.abs(x) + 0.3) };
};

const gradients: GradientCase[] = arithmetic.flatMap(([op, attributes]) =>
  (
    [
      ['same shape', [2, 3], [2, 3]],
      ['second repeated along a leading axis', [2, 3], [3]],
      ['both repeated', [2, 1, 3], [4, 1]],
      ['repeated in front and inside', [2, 4, 3], [1, 3]],
      ['a scalar', [2, 3], []],
    ] as [string, number[], number[]][]
  ).map(([name, a, b]): GradientCase => {
    const feeds = { a: positive(a, 3), b: positive(b, 4) };
    return {
      op,
      name,
      build: (g) => g.op(op, [input(g, feeds.a, 'a'), input(g, feeds.b, 'b')], attributes, { name: 'y' }),
      feeds,
    };
  }),
);

for (const exponent of [0.5, 1, 2, 3, -1.5]) {
  gradients.push({
    op: 'Pow',
    name: `constant exponent ${exponent}`,
    build: (b) => b.op('Pow', [b.input('x', 'float64', [6]), b.tensor(values([], [exponent]))], {}, { name: 'y' }),
    feeds: { x: positive([6], 8) },
    wrt: ['x'],
  });
}
gradients.push(
  {
    op: 'Pow',
    name: 'integer exponents of several values',
    build: (b) => b.op('Pow', [b.input('x', 'float64', [2, 2]), b.ints([3, 0])], {}, { name: 'y' }),
    feeds: { x: noise([2, 2]) },
    wrt: ['x'],
  },
  {
    op: 'Max',
    name: 'three inputs, one of them repeated',
    build: (b) =>
      b.op(
        'Max',
        [b.input('a', 'float64', [4, 3]), b.input('b', 'float64', [3]), b.input('c', 'float64', [4, 3])],
        {},
        { name: 'y' },
      ),
    feeds: { a: noise([4, 3], 1), b: noise([3], 2), c: noise([4, 3], 3) },
  },
  {
    op: 'Where',
    name: 'both branches, repeated',
    build: (b) =>
      b.op(
        'Where',
        [b.input('c', 'bool', [4, 1]), b.input('a', 'float64', [3]), b.input('b', 'float64', [4, 3])],
        {},
        { name: 'y' },
      ),
    feeds: { c: tensor('bool', [4, 1], Uint8Array.of(1, 0, 1, 0)), a: noise([3]), b: noise([4, 3], 2) },
  },
);
testGradients(binaryOps, gradients);

describe('broadcasting', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

  it('finds the element that index arithmetic finds', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), (to, repeat, drop) => {
        const from = to.map((size, i) => (repeat[i] ? 1 : size)).slice(Math.min(drop, to.length));
        const offsets = broadcastOffsets(from, to);
        offsets.forEach((offset, flat) => {
          let rest = flat;
          let expected = 0;
          let stride = 1;
          for (let axis = to.length - 1; axis >= 0; axis--) {
            const at = axis - (to.length - from.length);
            if (at >= 0 && from[at]! > 1) expected += (rest % to[axis]!) * stride;
            if (at >= 0) stride *= from[at]!;
            rest = Math.floor(rest / to[axis]!);
          }
          expect(offset).toBe(expected);
        });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('refuses shapes that do not fit, and mixed types', () => {
    const b = new GraphBuilder('case');
    b.op('Add', [b.input('a', 'float32', [2]), b.input('b', 'float32', [3])]);
    expect(() => inferTypes(b.build())).toThrowError(/\[2\] and \[3\] do not broadcast/);
    const mixed = new GraphBuilder('case');
    mixed.op('Mul', [mixed.input('a', 'float32', [2]), mixed.input('b', 'int64', [2])]);
    expect(() => inferTypes(mixed.build())).toThrowError(/float32 with int64/);
  });
});

describe('integers', () => {
  const run = (op: string, a: Tensor, b: Tensor): Tensor => {
    const builder = new GraphBuilder('case');
    const y = builder.op(op, [input(builder, a, 'a'), input(builder, b, 'b')]);
    builder.output(y, a.dtype, a.shape);
    return evaluateGraph(builder.build(), { a, b })[y]!;
  };

  it('Div rounds towards zero', () => {
    expect(run('Div', int64([7, -7]), int64([2]))).toEqual(int64([3, -3]));
  });

  it('the largest int64 survives Min, Max and Where', () => {
    const end = tensor('int64', [1], BigInt64Array.of(2n ** 63n - 1n));
    expect(run('Max', end, int64([5]))).toEqual(end);
    expect(run('Min', end, int64([5]))).toEqual(int64([5]));
    const b = new GraphBuilder('case');
    const y = b.op('Where', [b.input('c', 'bool', [1]), b.input('a', 'int64', [1]), b.ints([3])]);
    b.output(y, 'int64', [1]);
    expect(evaluateGraph(b.build(), { c: bools([1]), a: end })[y]).toEqual(end);
  });
});
