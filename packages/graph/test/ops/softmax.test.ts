import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { GraphBuilder, int, symbol } from '../../src/index.js';
import { softmaxOps } from '../../src/ops/softmax.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const [batch, n] = [symbol('batch'), symbol('n')];
const ln = Math.log;
// Rows exp to (1, 2, 5) and (3, 3, 2): an eighth of each.
const x = values([2, 3], [0, ln(2), ln(5), ln(3), ln(3), ln(2)]);
const y = [1 / 8, 2 / 8, 5 / 8, 3 / 8, 3 / 8, 2 / 8];

const attention = (b: GraphBuilder, op: string, axis: number) =>
  b.op(op, [b.op('MatMul', [b.input('x', 'float64', [batch, 6, 3]), weight(b, 'w1', [3, 4])])], { axis: int(axis) });

const cases: OpCase[] = ['Softmax', 'LogSoftmax'].flatMap((op): OpCase[] => {
  const result = op === 'Softmax' ? (p: number) => p : ln;
  return [
    {
      op,
      name: 'the last axis by default',
      build: (b) => b.op(op, [b.input('x', 'float64', [2, 3])], {}, { name: 'y' }),
      feeds: { x },
      shape: '[2, 3]',
      values: y.map(result),
    },
    {
      op,
      name: 'another axis',
      build: (b) => b.op(op, [b.input('x', 'float64', [2, 3])], { axis: int(0) }, { name: 'y' }),
      feeds: { x },
      values: [1 / 4, 2 / 5, 5 / 7, 3 / 4, 3 / 5, 2 / 7].map(result),
    },
    {
      op,
      name: 'all axes from `axis` on, before opset 13',
      opset: 12,
      build: (b) => b.op(op, [b.input('x', 'float64', [1, 2, 3])], {}, { name: 'y' }),
      feeds: { x: values([1, 2, 3], Array.from(x.data, Number)) },
      values: y.map((p) => result(p / 2)),
    },
    {
      op,
      name: 'symbolic shapes',
      build: (b) => b.op(op, [b.input('x', 'float32', [batch, 4, n, n])], {}, { name: 'y' }),
      shape: '[batch, 4, n, n]',
    },
    {
      op,
      name: 'lets the other axes through',
      build: (b) => b.op('MatMul', [attention(b, op, 1), weight(b, 'w2', [4, 2])], {}, { name: 'y' }),
      feeds: { x: noise([2, 6, 3]) },
      groups: ['4x w1:1 w2:0'],
    },
    {
      op,
      name: 'pins its axis',
      build: (b) => b.op('MatMul', [attention(b, op, -1), weight(b, 'w2', [4, 2])], {}, { name: 'y' }),
      groups: [],
    },
  ];
});
testOps(softmaxOps, cases);

testGradients(
  softmaxOps,
  ['Softmax', 'LogSoftmax'].flatMap((op): GradientCase[] =>
    [-1, 0, 1].map((axis) => ({
      op,
      name: `axis ${axis}`,
      build: (b) => b.op(op, [b.input('x', 'float64', [2, n, 4])], { axis: int(axis) }, { name: 'y' }),
      feeds: { x: noise([2, 3, 4], 7) },
    })),
  ),
);

describe('large inputs', () => {
  it.each(['Softmax', 'LogSoftmax'])('%s does not overflow', (op) => {
    const b = new GraphBuilder('case');
    b.output(b.op(op, [b.input('x', 'float64', [2])]), 'float64', [2], 'y');
    const [first, second] = evaluateGraph(b.build(), { x: values([2], [1000, 0]) }).y!.data;
    expect([first, second]).toEqual(op === 'Softmax' ? [1, 0] : [0, -1000]);
  });
});
