import { type Attribute, float32, type GraphBuilder, ints, string, symbol } from '../../src/index.js';
import { resizeOps } from '../../src/ops/resize.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const image = (b: GraphBuilder, channels: number) =>
  b.input('x', 'float64', [symbol('batch'), channels, symbol('height'), symbol('width')]);
const nearest = {
  mode: string('nearest'),
  coordinate_transformation_mode: string('asymmetric'),
  nearest_mode: string('floor'),
};
const byScale = (b: GraphBuilder, scales: number[]) => ['', b.tensor(float32([scales.length], scales))];

const cases: OpCase[] = [
  {
    op: 'Resize',
    name: 'doubles symbolic sizes',
    build: (b) => b.op('Resize', [image(b, 3), ...byScale(b, [1, 1, 2, 2])], nearest, { name: 'y' }),
    shape: '[batch, 3, 2*height, 2*width]',
  },
  {
    op: 'Resize',
    name: 'nearest repeats',
    build: (b) => b.op('Resize', [image(b, 1), ...byScale(b, [1, 1, 1, 2])], nearest, { name: 'y' }),
    feeds: { x: values([1, 1, 1, 3], [1, 2, 3]) },
    values: [1, 1, 2, 2, 3, 3],
  },
  {
    op: 'Resize',
    name: 'linear, half pixel: quarters between, clamped at the ends',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 2]);
      b.op('Resize', [x, ...byScale(b, [1, 1, 2])], { mode: string('linear') }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 2], [0, 4]) },
    values: [0, 1, 3, 4],
  },
  {
    op: 'Resize',
    name: 'sizes in place of scales, for given axes',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 4]);
      b.op('Resize', [x, '', '', b.ints([2])], { ...nearest, axes: ints([2]) }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 4], [1, 2, 3, 4]) },
    shape: '[1, 1, 2]',
    values: [1, 3],
  },
  {
    op: 'Resize',
    name: 'channels pass',
    build(b) {
      const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 1, 1])]);
      b.op(
        'Conv',
        [b.op('Resize', [h, ...byScale(b, [1, 1, 2, 2])], nearest), weight(b, 'w2', [3, 4, 1, 1])],
        {},
        { name: 'y' },
      );
    },
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['4x w1:0 w2:1'],
  },
  {
    op: 'Resize',
    name: 'sizes that name the channels are rewritten',
    build(b) {
      const h = b.op('Conv', [b.input('x', 'float64', [1, 2, 2, 2]), weight(b, 'w1', [4, 2, 1, 1])]);
      b.op(
        'Conv',
        [b.op('Resize', [h, '', '', b.ints([1, 4, 4, 4])], nearest), weight(b, 'w2', [3, 4, 1, 1])],
        {},
        { name: 'y' },
      );
    },
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['4x w1:0 w2:1'],
  },
];

testOps(resizeOps, cases);

const resized = (name: string, shape: number[], scales: number[], attributes = {}): GradientCase => ({
  op: 'Resize',
  name,
  feeds: { x: noise(shape) },
  wrt: ['x'],
  build: (b) => b.op('Resize', [b.input('x', 'float64', shape), ...byScale(b, scales)], attributes, { name: 'y' }),
});

const roundings: Record<string, Attribute>[] = [
  nearest,
  { ...nearest, nearest_mode: string('ceil') },
  { mode: string('nearest') },
  { mode: string('nearest'), nearest_mode: string('round_prefer_ceil') },
];

testGradients(resizeOps, [
  {
    op: 'Resize',
    name: 'nearest, doubled, sizes symbolic',
    feeds: { x: noise([2, 2, 2, 3]) },
    wrt: ['x'],
    build: (b) => b.op('Resize', [image(b, 2), ...byScale(b, [1, 1, 2, 2])], nearest, { name: 'y' }),
  },
  ...roundings.map(
    (attributes, i): GradientCase => ({
      op: 'Resize',
      name: `nearest, to the size of another input, rounding ${i}`,
      feeds: { x: noise([1, 2, 2, 3]), z: noise([1, 2, 5, 2]) },
      wrt: ['x'],
      build(b) {
        const other = b.op('Shape', [b.input('z', 'float64', [symbol('batch'), 2, symbol('h'), symbol('w')])]);
        b.op('Resize', [image(b, 2), '', '', other], attributes, { name: 'y' });
      },
    }),
  ),
  resized('nearest by a scale that does not come out even', [1, 1, 5, 3], [1, 1, 1.5, 1], nearest),
  resized('nearest with half pixels', [1, 2, 2, 3], [1, 1, 3, 2], { mode: string('nearest') }),
  resized('nearest, rounding differently', [1, 1, 2, 3], [1, 1, 2, 2], {
    ...nearest,
    nearest_mode: string('round_prefer_ceil'),
  }),
  resized('nearest, halved', [1, 1, 4, 3], [1, 1, 0.5, 1], nearest),
  resized('linear', [1, 2, 3, 4], [1, 1, 2, 0.5], { mode: string('linear') }),
]);
