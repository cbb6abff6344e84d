import { type GraphBuilder, int, ints, symbol } from '../../src/index.js';
import { shapeOps } from '../../src/ops/shape.js';
import { testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const tokens = (b: GraphBuilder, width: number) => b.input('x', 'float64', [symbol('batch'), symbol('tokens'), width]);
const linear = (b: GraphBuilder, name: string, x: string, from: number, to: number, output?: string) =>
  b.op('MatMul', [x, weight(b, name, [from, to])], {}, output ? { name: output } : {});
const image = (b: GraphBuilder) => b.input('x', 'float64', [symbol('batch'), 4, symbol('height'), symbol('width')]);
const counting = (shape: number[]) =>
  values(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  );

const cases: OpCase[] = [
  {
    op: 'Reshape',
    name: '0 copies and -1 takes the rest',
    build: (b) => b.op('Reshape', [image(b), b.ints([0, 2, -1])], {}, { name: 'y' }),
    shape: '[batch, 2, 2*height*width]',
  },
  {
    op: 'Reshape',
    name: 'follows a target computed from shapes',
    build(b) {
      const x = image(b);
      const dim = (axis: number) =>
        b.op('Unsqueeze', [b.op('Gather', [b.op('Shape', [x]), b.tensor(scalar(axis))]), b.ints([0])]);
      const area = b.op('Mul', [dim(2), dim(3)]);
      b.op('Reshape', [x, b.op('Concat', [dim(0), b.ints([2, 2]), area], { axis: int(0) })], {}, { name: 'y' });
    },
    shape: '[batch, 2, 2, height*width]',
  },
  {
    op: 'Reshape',
    name: '-1 beside sums of symbols: equal dimensions cancel',
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), symbol('height'), symbol('width'), 6]);
      const padded = b.op('Pad', [x, b.ints([0, 1, 0, 0, 0, 0, 0, 0])]);
      const shape = b.op('Shape', [padded]);
      const lead = b.op('Slice', [shape, b.ints([0]), b.ints([3])]);
      b.op('Reshape', [padded, b.op('Concat', [lead, b.ints([-1])], { axis: int(0) })], {}, { name: 'y' });
    },
    shape: '[batch, height+1, width, 6]',
  },
  {
    op: 'Reshape',
    name: 'keeps the elements in order',
    build: (b) => b.op('Reshape', [b.input('x', 'float64', [2, 3]), b.ints([3, -1])], {}, { name: 'y' }),
    feeds: { x: counting([2, 3]) },
    shape: '[3, 2]',
    values: [0, 1, 2, 3, 4, 5],
  },
  {
    op: 'Reshape',
    name: 'heads: whole ones, and the inner dimension of every one; the target is rewritten',
    build(b) {
      const h = linear(b, 'w1', tokens(b, 3), 3, 6);
      const heads = b.op('Transpose', [b.op('Reshape', [h, b.ints([0, 0, 2, 3])])], { perm: ints([0, 2, 1, 3]) });
      const back = b.op('Reshape', [b.op('Transpose', [heads], { perm: ints([0, 2, 1, 3]) }), b.ints([0, 0, 6])]);
      linear(b, 'w2', back, 6, 2, 'y');
    },
    feeds: { x: noise([1, 2, 3]) },
    groups: ['2x w1:1*3 w2:0*3', '3x w1:1*2 w2:0*2'],
  },
  {
    op: 'Flatten',
    name: 'merges before and after an axis',
    build: (b) => b.op('Flatten', [image(b)], { axis: int(2) }, { name: 'y' }),
    shape: '[4*batch, height*width]',
  },
  {
    op: 'Flatten',
    name: 'keeps the elements in order',
    build: (b) => b.op('Flatten', [b.input('x', 'float64', [1, 2, 2])], {}, { name: 'y' }),
    feeds: { x: counting([1, 2, 2]) },
    shape: '[1, 4]',
    values: [0, 1, 2, 3],
  },
  {
    op: 'Flatten',
    name: 'a channel is a run of columns afterwards',
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), 2, 2, 2]);
      const h = b.op('Conv', [x, weight(b, 'w1', [3, 2, 1, 1])]);
      linear(b, 'w2', b.op('Flatten', [h]), 12, 2, 'y');
    },
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['3x w1:0 w2:0*4'],
  },
  {
    op: 'Transpose',
    name: 'permutes',
    build: (b) => b.op('Transpose', [image(b)], { perm: ints([0, 2, 3, 1]) }, { name: 'y' }),
    shape: '[batch, height, width, 4]',
  },
  {
    op: 'Transpose',
    name: 'reverses without perm',
    build: (b) => b.op('Transpose', [b.input('x', 'float64', [2, 3])], {}, { name: 'y' }),
    feeds: { x: counting([2, 3]) },
    shape: '[3, 2]',
    values: [0, 3, 1, 4, 2, 5],
  },
  {
    op: 'Transpose',
    name: 'moves channels',
    build(b) {
      const h = b.op('Conv', [image(b), weight(b, 'w1', [3, 4, 1, 1])]);
      linear(b, 'w2', b.op('Transpose', [h], { perm: ints([0, 2, 3, 1]) }), 3, 2, 'y');
    },
    feeds: { x: noise([1, 4, 1, 2]) },
    groups: ['3x w1:0 w2:0'],
  },
  {
    op: 'Squeeze',
    name: 'drops the axes given, or all of size 1',
    build(b) {
      const x = b.input('x', 'float64', [1, 2, 1]);
      b.op('Squeeze', [b.op('Squeeze', [x, b.ints([-1])])], {}, { name: 'y' });
    },
    feeds: { x: counting([1, 2, 1]) },
    shape: '[2]',
    values: [0, 1],
  },
  {
    op: 'Squeeze',
    name: 'passes channels; axes as an attribute before opset 13',
    opset: 11,
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), 2, 1]);
      const h = b.op('Conv', [x, weight(b, 'w1', [3, 2, 1])]);
      linear(b, 'w2', b.op('Squeeze', [h], { axes: ints([2]) }), 3, 2, 'y');
    },
    feeds: { x: noise([2, 2, 1]) },
    groups: ['3x w1:0 w2:0'],
  },
  {
    op: 'Unsqueeze',
    name: 'adds axes at positions of the result',
    build: (b) => b.op('Unsqueeze', [b.input('x', 'float64', [2]), b.ints([0, -1])], {}, { name: 'y' }),
    feeds: { x: counting([2]) },
    shape: '[1, 2, 1]',
    values: [0, 1],
  },
  {
    op: 'Unsqueeze',
    name: 'passes channels',
    build(b) {
      const h = linear(b, 'w1', b.input('x', 'float64', [symbol('batch'), 2]), 2, 3);
      b.op('Conv', [b.op('Unsqueeze', [h, b.ints([2, 3])]), weight(b, 'w2', [2, 3, 1, 1])], {}, { name: 'y' });
    },
    feeds: { x: noise([2, 2]) },
    groups: ['3x w1:1 w2:1'],
  },
];

function scalar(value: number) {
  return { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) } as const;
}

testOps(shapeOps, cases);

const image4 = { x: noise([2, 4, 2, 3]) };

testGradients(shapeOps, [
  {
    op: 'Reshape',
    name: 'symbolic sizes',
    feeds: image4,
    build: (b) => b.op('Reshape', [image(b), b.ints([0, 2, -1])], {}, { name: 'y' }),
  },
  {
    op: 'Flatten',
    name: 'symbolic sizes',
    feeds: image4,
    build: (b) => b.op('Flatten', [image(b)], {}, { name: 'y' }),
  },
  {
    op: 'Transpose',
    name: 'a cycle',
    feeds: image4,
    build: (b) => b.op('Transpose', [image(b)], { perm: ints([2, 0, 3, 1]) }, { name: 'y' }),
  },
  {
    op: 'Squeeze',
    name: 'an axis',
    feeds: { x: noise([2, 1, 3]) },
    build: (b) => b.op('Squeeze', [b.input('x', 'float64', [2, 1, 3]), b.ints([1])], {}, { name: 'y' }),
  },
  {
    op: 'Unsqueeze',
    name: 'an axis',
    feeds: image4,
    build: (b) => b.op('Unsqueeze', [image(b), b.ints([2])], {}, { name: 'y' }),
  },
]);
