import { describe, expect, it } from 'vitest';
import { type Attribute, GraphBuilder, int, ints, symbol } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { reduceOps } from '../../src/ops/reduce.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const batch = symbol('batch');
const x = values([2, 3], [1, -2, 3, 4, 0.5, -6]);

/** By hand: over axis 1, and over everything. */
const byHand: [op: string, rows: number[], all: number][] = [
  ['ReduceSum', [2, -1.5], 0.5],
  ['ReduceMean', [2 / 3, -0.5], 0.5 / 6],
  ['ReduceMax', [3, 4], 4],
  ['ReduceMin', [-2, -6], -6],
  ['ReduceL2', [Math.sqrt(14), Math.sqrt(52.25)], Math.sqrt(66.25)],
  ['ReduceProd', [-6, -12], 72],
];

/** Groups when the axis between two linears is reduced: removal and zeroing agree for sums only. */
const reducedGroups: Record<string, string[]> = {
  ReduceMean: ['4x w1:1'],
  ReduceSum: ['4x w1:1'],
  ReduceL2: ['4x w1:1'],
};

const cases: OpCase[] = byHand.flatMap(([op, rows, all]): OpCase[] => [
  {
    op,
    name: 'axes as an input (opset 18)',
    build: (b) => b.op(op, [b.input('x', 'float64', [2, 3]), b.ints([-1])], { keepdims: int(0) }, { name: 'y' }),
    feeds: { x },
    shape: '[2]',
    values: rows,
  },
  {
    op,
    name: 'axes as an attribute (opset 12)',
    opset: 12,
    build: (b) => b.op(op, [b.input('x', 'float64', [2, 3])], { axes: ints([1]) }, { name: 'y' }),
    feeds: { x },
    shape: '[2, 1]',
    values: rows,
  },
  {
    op,
    name: 'everything when no axes are given',
    build: (b) => b.op(op, [b.input('x', 'float64', [2, 3])], { keepdims: int(0) }, { name: 'y' }),
    feeds: { x },
    shape: '[]',
    values: [all],
  },
  {
    op,
    name: 'nothing when no axes are given and the node says so',
    build: (b) => b.op(op, [b.input('x', 'float64', [2, 3])], { noop_with_empty_axes: int(1) }, { name: 'y' }),
    feeds: { x },
    shape: '[2, 3]',
    values: [1, -2, 3, 4, 0.5, -6],
  },
  {
    op,
    name: 'symbolic shapes',
    build: (b) => b.op(op, [b.input('x', 'float32', [batch, 3, symbol('height')]), b.ints([2, 0])], {}, { name: 'y' }),
    shape: '[1, 3, 1]',
  },
  {
    op,
    name: 'slots of the other axes pass',
    build(b) {
      const h = b.op('MatMul', [b.input('x', 'float64', [batch, 2, 3]), weight(b, 'w1', [3, 4])]);
      b.op('MatMul', [b.op(op, [h, b.ints([1])], { keepdims: int(0) }), weight(b, 'w2', [4, 2])], {}, { name: 'y' });
    },
    groups: ['4x w1:1 w2:0'],
  },
  {
    op,
    name: 'slots of a reduced axis',
    build(b) {
      const h = b.op('MatMul', [b.input('x', 'float64', [batch, 3]), weight(b, 'w1', [3, 4])]);
      b.op(op, [h, b.ints([1])], {}, { name: 'y' });
    },
    feeds: { x: noise([2, 3]) },
    groups: reducedGroups[op] ?? [],
    skipZeroing: op === 'ReduceMean' ? 'a mean over fewer is another mean' : undefined,
  },
]);

const sizes: [op: string, expected: string | undefined][] = [
  ['ReduceSum', 'batch+height+3'],
  ['ReduceProd', '3*batch*height'],
  ['ReduceMax', undefined],
  ['ReduceMin', undefined],
  ['ReduceMean', undefined],
];
for (const [op, expected] of sizes) {
  cases.push({
    op,
    name: 'elements: over sizes',
    build(b) {
      const s = b.op('Shape', [b.input('x', 'float32', [batch, 3, symbol('height')])]);
      b.op(op, [s], { keepdims: int(0) }, { name: 'y' });
    },
    shape: '[]',
    ...(expected ? { elements: [expected] } : {}),
  });
}
cases.push(
  {
    op: 'ReduceMax',
    name: 'elements: of numbers',
    build: (b) => b.op('ReduceMax', [b.ints([2, 5, 3])], {}, { name: 'y' }),
    elements: ['5'],
  },
  {
    op: 'ReduceMin',
    name: 'elements: of numbers',
    build: (b) => b.op('ReduceMin', [b.ints([2, 5, 3])], {}, { name: 'y' }),
    elements: ['2'],
  },
);

for (const [op, first, last] of [
  ['ArgMax', [1, 0], [2, 0]],
  ['ArgMin', [0, 1], [0, 2]],
] as const) {
  const build = (attributes: Record<string, Attribute>) => (b: GraphBuilder) =>
    b.op(op, [b.input('x', 'float64', [batch, 3])], { axis: int(1), ...attributes }, { name: 'y' });
  const feeds = { x: values([2, 3], [1, 7, 7, 5, 2, 2]) };
  cases.push(
    { op, name: 'the first of equals', build: build({}), feeds, shape: '[batch, 1]', values: first },
    {
      op,
      name: 'the last of equals, without the axis',
      build: build({ keepdims: int(0), select_last_index: int(1) }),
      feeds,
      shape: '[batch]',
      values: last,
    },
    {
      op,
      name: 'pins its axis',
      build(b) {
        const h = b.op('MatMul', [b.input('x', 'float64', [batch, 3]), weight(b, 'w1', [3, 4])]);
        b.op(op, [h], { axis: int(1) }, { name: 'y' });
      },
      groups: [],
    },
  );
}

testOps(reduceOps, cases);

testGradients(
  reduceOps,
  byHand.flatMap(([op]): GradientCase[] => [
    {
      op,
      name: 'over two axes, kept',
      build: (b) => b.op(op, [b.input('x', 'float64', [3, 4, 2]), b.ints([0, 2])], {}, { name: 'y' }),
      feeds: { x: noise([3, 4, 2], 3) },
    },
    {
      op,
      name: 'over symbolic axes, dropped',
      build: (b) =>
        b.op(op, [b.input('x', 'float64', [batch, 2, symbol('n')]), b.ints([-1])], { keepdims: int(0) }, { name: 'y' }),
      feeds: { x: noise([2, 2, 3], 4) },
    },
    {
      op,
      name: 'axes as an attribute (opset 13, but an input for sums)',
      opset: 13,
      build: (b) => {
        const input = b.input('x', 'float64', [2, 3]);
        if (op === 'ReduceSum') b.op(op, [input, b.ints([1])], {}, { name: 'y' });
        else b.op(op, [input], { axes: ints([1]) }, { name: 'y' });
      },
      feeds: { x: noise([2, 3], 5) },
    },
  ]),
);

describe('refusals', () => {
  it('axes that are known only at run time', () => {
    const b = new GraphBuilder('case');
    b.op('ReduceSum', [b.input('x', 'float32', [2, 3]), b.input('axes', 'int64', [1])]);
    expect(() => inferTypes(b.build())).toThrowError(/known only at run time/);
  });

  it('axes out of range', () => {
    const b = new GraphBuilder('case');
    b.op('ReduceMean', [b.input('x', 'float32', [2, 3]), b.ints([2])]);
    expect(() => inferTypes(b.build())).toThrowError(/axis 2 is outside \[-2, 1\]/);
  });
});
