import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { float32, GraphBuilder, int, int64, ints, string, symbol, toNumbers } from '../../src/index.js';
import { selectOps } from '../../src/ops/select.js';
import { sliceIndices } from '../../src/ops/slice.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const batch = symbol('batch');
const rows = (b: GraphBuilder, width: number) => b.input('x', 'float64', [symbol('batch'), width]);
const linear = (b: GraphBuilder, name: string, x: string, from: number, to: number, output?: string) =>
  b.op('MatMul', [x, weight(b, name, [from, to])], {}, output ? { name: output } : {});
const counting = (shape: number[]) =>
  values(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  );
const x2 = { x: noise([2, 2]) };

const cases: OpCase[] = [
  {
    op: 'Concat',
    name: 'adds sizes, a number winning over a symbol elsewhere',
    build(b) {
      const [x, z] = [b.input('x', 'float64', [symbol('batch'), 2]), b.input('z', 'float64', [3, symbol('tokens')])];
      b.op('Concat', [x, z], { axis: int(-1) }, { name: 'y' });
    },
    shape: '[3, tokens+2]',
  },
  {
    op: 'Concat',
    name: 'interleaves rows',
    build: (b) =>
      b.op(
        'Concat',
        [b.input('x', 'float64', [2, 2]), b.input('z', 'float64', [2, 1])],
        { axis: int(1) },
        { name: 'y' },
      ),
    feeds: { x: values([2, 2], [1, 2, 3, 4]), z: values([2, 1], [8, 9]) },
    values: [1, 2, 8, 3, 4, 9],
  },
  {
    op: 'Concat',
    name: 'follows elements',
    build: (b) => b.op('Concat', [b.op('Shape', [rows(b, 2)]), b.ints([-1])], { axis: int(0) }, { name: 'y' }),
    elements: ['batch', '2', '-1'],
  },
  {
    op: 'Concat',
    name: 'each source keeps its own units',
    build(b) {
      const x = rows(b, 2);
      const both = b.op('Concat', [linear(b, 'w1', x, 2, 3), linear(b, 'w2', x, 2, 2)], { axis: int(1) });
      linear(b, 'w3', both, 5, 2, 'y');
    },
    feeds: x2,
    groups: ['3x w1:1 w3:0', '2x w2:1 w3:0'],
  },
  {
    op: 'Split',
    name: 'by sizes',
    build: (b) => b.multi('Split', [rows(b, 5), b.ints([2, 3])], { axis: int(1) }, { name: 'y', outputs: 2 }),
    feeds: { x: counting([1, 5]) },
    shape: ['[batch, 2]', '[batch, 3]'],
    values: [0, 1],
  },
  {
    op: 'Split',
    name: 'evenly, the last part smaller',
    build: (b) => b.multi('Split', [rows(b, 5)], { axis: int(1), num_outputs: int(2) }, { name: 'y', outputs: 2 }),
    shape: ['[batch, 3]', '[batch, 2]'],
  },
  {
    op: 'Split',
    name: 'by sizes in an attribute before opset 13',
    opset: 11,
    build: (b) => b.multi('Split', [rows(b, 5)], { axis: int(1), split: ints([1, 4]) }, { name: 'y', outputs: 2 }),
    shape: ['[batch, 1]', '[batch, 4]'],
  },
  {
    op: 'Split',
    name: 'halves that are multiplied go together, and sizes are rewritten',
    build(b) {
      const h = linear(b, 'w1', rows(b, 2), 2, 6);
      const [gate, value] = b.multi('Split', [h, b.ints([3, 3])], { axis: int(1) }, { outputs: 2 });
      linear(b, 'w2', b.op('Mul', [gate, value]), 3, 2, 'y');
    },
    feeds: x2,
    groups: ['3x w1:1*2 w2:0'],
  },
  {
    op: 'Slice',
    name: 'negative and open bounds',
    build: (b) => b.op('Slice', [rows(b, 5), b.ints([-4]), b.ints([2 ** 40]), b.ints([1])], {}, { name: 'y' }),
    feeds: { x: counting([1, 5]) },
    shape: '[batch, 4]',
    values: [1, 2, 3, 4],
  },
  {
    op: 'Slice',
    name: 'backwards',
    build: (b) =>
      b.op('Slice', [rows(b, 5), b.ints([-1]), b.ints([-(2 ** 40)]), b.ints([1]), b.ints([-2])], {}, { name: 'y' }),
    feeds: { x: counting([1, 5]) },
    shape: '[batch, 3]',
    values: [4, 2, 0],
  },
  {
    op: 'Slice',
    name: 'a symbolic axis, from the front and from the back',
    build(b) {
      const x = b.input('x', 'float64', [symbol('height'), symbol('width')]);
      b.op('Slice', [x, b.ints([1, 0]), b.ints([2 ** 40, -2])], {}, { name: 'y' });
    },
    shape: '[height-1, width-2]',
  },
  {
    op: 'Slice',
    name: 'cuts elements',
    build: (b) => b.op('Slice', [b.op('Shape', [rows(b, 3)]), b.ints([0]), b.ints([1])], {}, { name: 'y' }),
    elements: ['batch'],
  },
  {
    op: 'Slice',
    name: 'halves that are multiplied go together, and bounds are rewritten',
    build(b) {
      const h = linear(b, 'w1', rows(b, 2), 2, 6);
      const half = (from: number, to: number) => b.op('Slice', [h, b.ints([from]), b.ints([to]), b.ints([1])]);
      linear(b, 'w2', b.op('Mul', [half(0, 3), half(3, 2 ** 40)]), 3, 2, 'y');
    },
    feeds: x2,
    groups: ['3x w1:1*2 w2:0'],
  },
  {
    op: 'Slice',
    name: 'even and odd channels go in pairs',
    build(b) {
      const h = linear(b, 'w1', rows(b, 2), 2, 6);
      const every = (from: number) => b.op('Slice', [h, b.ints([from]), b.ints([6]), b.ints([1]), b.ints([2])]);
      linear(b, 'w2', b.op('Mul', [every(0), every(1)]), 3, 2, 'y');
    },
    feeds: x2,
    groups: ['3x w1:1*2 w2:0'],
  },
  {
    op: 'Gather',
    name: 'an index drops the axis, a list keeps it',
    build(b) {
      const picked = b.op('Gather', [b.input('x', 'float64', [3, 2]), b.ints([2, -3])]);
      b.op('Gather', [picked, b.tensor(int64([1], []))], { axis: int(1) }, { name: 'y' });
    },
    feeds: { x: counting([3, 2]) },
    shape: '[2]',
    values: [5, 1],
  },
  {
    op: 'Gather',
    name: 'picks elements',
    build: (b) => b.op('Gather', [b.op('Shape', [rows(b, 3)]), b.ints([1, 0])], {}, { name: 'y' }),
    elements: ['3', 'batch'],
  },
  {
    op: 'Gather',
    name: 'constant indices are renumbered',
    build(b) {
      const h = linear(b, 'w1', rows(b, 2), 2, 4);
      linear(b, 'w2', b.op('Gather', [h, b.ints([3, 1, 0, 2])], { axis: int(1) }), 4, 2, 'y');
    },
    feeds: x2,
    groups: ['4x w1:1 w2:0'],
  },
  {
    op: 'Gather',
    name: 'the width of a table can be cut, its rows cannot',
    build(b) {
      const rowsOf = b.op('Gather', [weight(b, 'table', [5, 3]), b.input('i', 'int64', [symbol('batch')])]);
      linear(b, 'w', rowsOf, 3, 2, 'y');
    },
    feeds: { i: int64([4, 0]) },
    groups: ['3x table:1 w:0'],
  },
  {
    op: 'Trilu',
    name: 'keeps a triangle',
    build: (b) => b.op('Trilu', [b.input('x', 'float64', [2, 3]), b.tensor(int64([1], []))], {}, { name: 'y' }),
    feeds: { x: counting([2, 3]) },
    shape: '[2, 3]',
    values: [0, 1, 2, 0, 0, 5],
  },
  {
    op: 'Trilu',
    name: 'leaves its axes alone',
    build(b) {
      const h = linear(b, 'w1', rows(b, 2), 2, 3);
      linear(b, 'w2', b.op('Trilu', [h], { upper: int(0) }), 3, 2, 'y');
    },
    groups: [],
  },
];

const places = int64([0, 1, 2, 0, -1, 1], [3, 2]);
cases.push(
  {
    op: 'GatherND',
    name: 'blocks by their leading indices, counted from the back too',
    build: (b) => b.op('GatherND', [b.input('x', 'float64', [batch, 2, 2]), b.tensor(places)], {}, { name: 'y' }),
    feeds: { x: counting([3, 2, 2]) },
    shape: '[3, 2]',
    values: [2, 3, 8, 9, 10, 11],
  },
  {
    op: 'GatherND',
    name: 'channels pass',
    build(b) {
      const h = linear(b, 'w1', b.input('x', 'float64', [batch, 2]), 2, 4);
      linear(b, 'w2', b.op('GatherND', [h, b.input('i', 'int64', [symbol('n'), 1])]), 4, 2, 'y');
    },
    feeds: { x: noise([3, 2]), i: int64([2, 0], [2, 1]) },
    groups: ['4x w1:1 w2:0'],
  },
  {
    op: 'ScatterND',
    name: 'writes',
    build: (b) =>
      b.op(
        'ScatterND',
        [b.input('x', 'float64', [3, 2]), b.tensor(int64([2, 0], [2, 1])), b.input('u', 'float64', [2, 2])],
        {},
        { name: 'y' },
      ),
    feeds: { x: counting([3, 2]), u: values([2, 2], [9, 8, 7, 6]) },
    shape: '[3, 2]',
    values: [7, 6, 2, 3, 9, 8],
  },
  {
    op: 'ScatterND',
    name: 'adds, places that are named twice both times',
    build: (b) =>
      b.op(
        'ScatterND',
        [b.input('x', 'float64', [3]), b.tensor(int64([2, 0, 2], [3, 1])), b.input('u', 'float64', [3])],
        { reduction: string('add') },
        { name: 'y' },
      ),
    feeds: { x: counting([3]), u: values([3], [9, 8, 7]) },
    values: [8, 1, 18],
  },
  {
    op: 'ScatterND',
    name: 'joins the channels of both',
    build(b) {
      const x = b.input('x', 'float64', [batch, 2]);
      const i = b.input('i', 'int64', [batch, 1]);
      linear(b, 'w3', b.op('ScatterND', [linear(b, 'w1', x, 2, 4), i, linear(b, 'w2', x, 2, 4)]), 4, 2, 'y');
    },
    feeds: { x: noise([2, 2]), i: int64([1, 0], [2, 1]) },
    groups: ['4x w1:1 w2:1 w3:0'],
  },
);

testOps(selectOps, cases);

it('Slice takes what a plain walk over the clamped bounds takes', () => {
  const bound = fc.integer({ min: -12, max: 12 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      bound,
      bound,
      fc.constantFrom(-3, -2, -1, 1, 2, 3),
      (size, start, end, step) => {
        const from = start < 0 ? start + size : start;
        const to = end < -size && step < 0 ? -1 : end < 0 ? end + size : end;
        const expected: number[] = [];
        const first = step > 0 ? Math.max(from, 0) : Math.min(Math.max(from, 0), size - 1);
        for (let i = first; step > 0 ? i < to : i > to; i += step) if (i >= 0 && i < size) expected.push(i);
        expect(sliceIndices(size, start, end, step)).toEqual(expected);
        const b = new GraphBuilder('slice');
        const x = counting([size]);
        b.op(
          'Slice',
          [b.input('x', 'float64', [size]), ...[start, end, 0, step].map((i) => b.ints([i]))],
          {},
          { name: 'y' },
        );
        expect(toNumbers(evaluateGraph(b.build(), { x }, { outputs: ['y'] }).y)).toEqual(expected);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

const x6 = { x: noise([2, 6]) };
const sliced = (name: string, starts: number[], ends: number[], steps: number[], shape?: number[]): GradientCase => ({
  op: 'Slice',
  name,
  feeds: { x: noise([4, 6]) },
  build(b) {
    const x = b.input('x', 'float64', shape ?? [symbol('height'), symbol('width')]);
    b.op('Slice', [x, b.ints(starts), b.ints(ends), b.ints([0, 1]), b.ints(steps)], {}, { name: 'y' });
  },
});
const gathered = (name: string, axis: number, indices: number[], shape = [indices.length]): GradientCase => ({
  op: 'Gather',
  name,
  feeds: { x: noise([2, 6]) },
  build: (b) => b.op('Gather', [rows(b, 6), b.tensor(int64(indices, shape))], { axis: int(axis) }, { name: 'y' }),
});

testGradients(selectOps, [
  {
    op: 'Concat',
    name: 'known sizes, one input twice',
    feeds: { x: noise([2, 2]), z: noise([2, 3]) },
    build: (b) => b.op('Concat', [rows(b, 2), b.input('z', 'float64', [2, 3]), 'x'], { axis: int(1) }, { name: 'y' }),
  },
  {
    op: 'Concat',
    name: 'symbolic sizes',
    feeds: { x: noise([2, 2]), z: noise([3, 2]) },
    build: (b) =>
      b.op('Concat', [rows(b, 2), b.input('z', 'float64', [symbol('more'), 2])], { axis: int(0) }, { name: 'y' }),
  },
  {
    op: 'Split',
    name: 'every part used',
    feeds: x6,
    build(b) {
      const [a, c, d] = b.multi('Split', [rows(b, 6), b.ints([2, 2, 2])], { axis: int(1) }, { outputs: 3 });
      b.op('Mul', [b.op('Mul', [a, c]), d], {}, { name: 'y' });
    },
  },
  {
    op: 'Split',
    name: 'one part unused',
    feeds: x6,
    build: (b) => b.multi('Split', [rows(b, 6), b.ints([1, 5])], { axis: int(1) }, { name: 'y', outputs: 2 }),
  },
  sliced('step 1, symbolic sizes', [1, 0], [2 ** 40, -2], [1, 1]),
  sliced('negative starts, known sizes', [-3, 0], [-1, 6], [1, 1], [4, 6]),
  sliced('steps that come out even and not', [1, 0], [4, 6], [2, 3], [4, 6]),
  sliced('a last step that is cut off', [0, 1], [4, 6], [3, 2], [4, 6]),
  gathered('a permutation', 1, [3, 1, 0, 2, 5, 4]),
  gathered('a run', 1, [2, 3]),
  gathered('some, out of order, counted from the back', 1, [-1, 0, 3]),
  gathered('one index', 1, [4], []),
  {
    op: 'Gather',
    name: 'rows of a table, some twice, some from the back',
    feeds: { i: int64([1, 4, 1, -1], [2, 2]) },
    build: (b) =>
      b.op('Gather', [weight(b, 'table', [5, 3]), b.input('i', 'int64', [symbol('batch'), 2])], {}, { name: 'y' }),
  },
  {
    op: 'Gather',
    name: 'rows of a table whose length is known only at run time',
    feeds: { x: noise([4, 3]), i: int64([1, 3, 1, -1], [4]) },
    build: (b) => b.op('Gather', [rows(b, 3), b.input('i', 'int64', [4])], {}, { name: 'y' }),
  },
  {
    op: 'Slice',
    name: 'from where another input ends',
    feeds: { x: noise([4, 3]), z: noise([1, 3]) },
    wrt: ['x'],
    build(b) {
      const start = b.op('Gather', [b.op('Shape', [b.input('z', 'float64', [symbol('n'), 3])]), b.ints([0])]);
      b.op('Slice', [rows(b, 3), start, b.ints([2 ** 40]), b.ints([0])], {}, { name: 'y' });
    },
  },
  {
    op: 'GatherND',
    name: 'some places twice',
    feeds: { x: noise([3, 2, 2]) },
    build: (b) =>
      b.op(
        'GatherND',
        [b.input('x', 'float64', [batch, 2, 2]), b.tensor(int64([0, 1, 2, 0, 0, 1], [3, 2]))],
        {},
        { name: 'y' },
      ),
  },
  ...['none', 'add'].map(
    (reduction): GradientCase => ({
      op: 'ScatterND',
      name: reduction,
      feeds: { x: noise([3, 2]), u: noise([2, 2], 5) },
      build: (b) =>
        b.op(
          'ScatterND',
          [rows(b, 2), b.tensor(int64([2, 0], [2, 1])), b.input('u', 'float64', [2, 2])],
          { reduction: string(reduction) },
          { name: 'y' },
        ),
    }),
  ),
  {
    op: 'Trilu',
    name: 'the lower triangle',
    feeds: { x: noise([3, 3]) },
    build: (b) =>
      b.op('Trilu', [b.input('x', 'float64', [3, 3]), b.tensor(int64([-1], []))], { upper: int(0) }, { name: 'y' }),
  },
]);

it.each([
  ['another axis', [2, 3], [3, 3]],
  ['rank', [2, 3], [2, 3, 1]],
])('Concat of tensors that differ in %s is refused by its name', (_, x, z) => {
  const b = new GraphBuilder('g');
  const dims = (shape: number[], name: string) => shape.map((_, i) => symbol(`${name}${i}`));
  const inputs = [b.input('x', 'float32', dims([1, 1], 'x')), b.input('z', 'float32', dims([1, 1], 'z'))];
  b.output(b.op('Concat', inputs, { axis: int(1) }, { name: 'y' }), 'float32', [symbol('a'), symbol('b')], 'y');
  const feed = (shape: number[]) => float32(shape, new Float32Array(shape.reduce((a, n) => a * n)));
  expect(() => evaluateGraph(b.build(), { x: feed(x), z: feed(z) })).toThrow(
    expect.objectContaining({
      code: 'SHAPE_MISMATCH',
      field: 'y',
      message: expect.stringContaining(`joins [${x.join(', ')}], [${z.join(', ')}] along axis 1`),
    }),
  );
});
