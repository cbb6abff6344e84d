import { expect, it } from 'vitest';
import { type GraphBuilder, int, ints, symbol } from '../../src/index.js';
import { poolOps } from '../../src/ops/pool.js';
import { checkGradient, type GradientCase, testGradients } from '../gradient-check.js';
import { graphOf, noise, type OpCase, testOps, values, weight } from './case.js';

const image = (b: GraphBuilder, channels: number) =>
  b.input('x', 'float64', [symbol('batch'), channels, symbol('height'), symbol('width')]);
const two = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };

/** One convolution, the pooling, another convolution: channels pass through. */
const between =
  (op: string, attributes = {}) =>
  (b: GraphBuilder) => {
    const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 1, 1])]);
    b.op('Conv', [b.op(op, [h], attributes), weight(b, 'w2', [3, 4, 1, 1])], {}, { name: 'y' });
  };

const cases: OpCase[] = [
  {
    op: 'AveragePool',
    name: 'averages windows',
    build: (b) => b.op('AveragePool', [image(b, 1)], two, { name: 'y' }),
    feeds: { x: values([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) },
    shape: '[batch, 1, floor(height/2), floor(width/2)]',
    values: [3.5, 5.5],
  },
  {
    op: 'AveragePool',
    name: 'leaves padding out of the count unless told',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 3]);
      b.op('AveragePool', [x], { kernel_shape: ints([2]), pads: ints([1, 0]) }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 3], [2, 4, 6]) },
    values: [2, 3, 5],
  },
  {
    op: 'AveragePool',
    name: 'counts padding when told',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 3]);
      const attributes = { kernel_shape: ints([2]), pads: ints([1, 0]), count_include_pad: int(1) };
      b.op('AveragePool', [x], attributes, { name: 'y' });
    },
    feeds: { x: values([1, 1, 3], [2, 4, 6]) },
    values: [1, 3, 5],
  },
  {
    op: 'AveragePool',
    name: 'ceil_mode keeps a last partial window',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 3]);
      b.op('AveragePool', [x], { kernel_shape: ints([2]), strides: ints([2]), ceil_mode: int(1) }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 3], [2, 4, 6]) },
    shape: '[1, 1, 2]',
    values: [3, 6],
  },
  {
    op: 'AveragePool',
    name: 'passes channels',
    build: between('AveragePool', two),
    feeds: { x: noise([1, 2, 4, 4]) },
    groups: ['4x w1:0 w2:1'],
  },
  {
    op: 'MaxPool',
    name: 'takes the largest, padding never winning',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 3]);
      b.op('MaxPool', [x], { kernel_shape: ints([2]), pads: ints([1, 0]) }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 3], [-3, -1, -2]) },
    shape: '[1, 1, 3]',
    values: [-3, -1, -1],
  },
  {
    op: 'MaxPool',
    name: 'passes channels',
    build: between('MaxPool', two),
    feeds: { x: noise([1, 2, 4, 4]) },
    groups: ['4x w1:0 w2:1'],
  },
  {
    op: 'GlobalAveragePool',
    name: 'averages every channel',
    build: (b) => b.op('GlobalAveragePool', [image(b, 2)], {}, { name: 'y' }),
    feeds: { x: values([1, 2, 1, 2], [1, 3, 10, 20]) },
    shape: '[batch, 2, 1, 1]',
    values: [2, 15],
  },
  {
    op: 'GlobalAveragePool',
    name: 'passes channels',
    build: between('GlobalAveragePool'),
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['4x w1:0 w2:1'],
  },
];

testOps(poolOps, cases);

const pooled = (op: string, name: string, shape: number[], attributes = {}): GradientCase => ({
  op,
  name,
  feeds: { x: noise(shape) },
  build: (b) =>
    b.op(op, [b.input('x', 'float64', [symbol('batch'), shape[1], symbol('height'), symbol('width')])], attributes, {
      name: 'y',
    }),
});

testGradients(
  poolOps.filter((record) => record.op !== 'MaxPool'),
  [
    pooled('AveragePool', 'separate windows', [2, 2, 4, 4], two),
    pooled('AveragePool', 'a row left over', [1, 2, 5, 4], two),
    pooled('AveragePool', 'overlapping windows', [1, 1, 4, 5], { kernel_shape: ints([3, 2]) }),
    pooled('AveragePool', 'counted padding', [1, 1, 4, 4], {
      kernel_shape: ints([2, 2]),
      pads: ints([1, 1, 0, 0]),
      count_include_pad: int(1),
    }),
    pooled('GlobalAveragePool', 'any size', [2, 2, 3, 2]),
  ],
);

it('MaxPool is covered forwards only, and says so', () => {
  const one = pooled('MaxPool', 'max', [1, 1, 2, 2], two);
  expect(() => checkGradient(graphOf(one), one.feeds!)).toThrow(/MaxPool "y" cannot be differentiated/);
});
