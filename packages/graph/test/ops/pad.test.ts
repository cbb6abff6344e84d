import { type GraphBuilder, symbol } from '../../src/index.js';
import { padOps } from '../../src/ops/pad.js';
import { testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const image = (b: GraphBuilder, channels: number) =>
  b.input('x', 'float64', [symbol('batch'), channels, symbol('height'), symbol('width')]);

const cases: OpCase[] = [
  {
    op: 'Pad',
    name: 'adds to symbolic sizes',
    build: (b) => b.op('Pad', [image(b, 3), b.ints([0, 0, 0, 0, 0, 0, 1, 1])], {}, { name: 'y' }),
    shape: '[batch, 3, height+1, width+1]',
  },
  {
    op: 'Pad',
    name: 'fills with the value given, on the axes given',
    build(b) {
      const value = b.tensor(values([], [7]));
      b.op('Pad', [b.input('x', 'float64', [2, 2]), b.ints([1, 2]), value, b.ints([-1])], {}, { name: 'y' });
    },
    feeds: { x: values([2, 2], [1, 2, 3, 4]) },
    shape: '[2, 5]',
    values: [7, 1, 2, 7, 7, 7, 3, 4, 7, 7],
  },
  {
    op: 'Pad',
    name: 'axes without padding pass',
    build(b) {
      const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 1, 1])]);
      const padded = b.op('Pad', [h, b.ints([0, 0, 0, 0, 0, 0, 1, 1])]);
      b.op('Conv', [padded, weight(b, 'w2', [3, 4, 2, 2])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['4x w1:0 w2:1'],
  },
  {
    op: 'Pad',
    name: 'padded channels go, the padding stays',
    build(b) {
      const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 1, 1])]);
      const padded = b.op('Pad', [h, b.ints([0, 0, 0, 0, 0, 1, 0, 0])]);
      b.op('Conv', [padded, weight(b, 'w2', [3, 5, 1, 1])], {}, { name: 'y' });
    },
    groups: ['4x w1:0 w2:1'],
  },
];

testOps(padOps, cases);

testGradients(padOps, [
  {
    op: 'Pad',
    name: 'symbolic sizes',
    feeds: { x: noise([1, 2, 2, 3]) },
    build: (b) => b.op('Pad', [image(b, 2), b.ints([0, 1, 0, 2, 0, 0, 1, 1])], {}, { name: 'y' }),
  },
  {
    op: 'Pad',
    name: 'no padding at all',
    feeds: { x: noise([2]) },
    build: (b) => b.op('Pad', [b.input('x', 'float64', [2]), b.ints([0, 0])], {}, { name: 'y' }),
  },
]);
