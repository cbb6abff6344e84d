import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { castTensor, type DType, float, GraphBuilder, int, symbol } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { normOps } from '../../src/ops/norm.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
const epsilon = (value: number) => ({ epsilon: float(value) });
const image = (b: GraphBuilder, channels: number) => b.input('x', 'float64', [batch, channels, height, width]);
const conv = (b: GraphBuilder, x: string, name: string, shape: number[]) => b.op('Conv', [x, weight(b, name, shape)]);

/** Between two pointwise convolutions, to see which slots go together. */
function between(b: GraphBuilder, op: string, attributes: Parameters<GraphBuilder['op']>[2]): void {
  const h = conv(b, image(b, 3), 'w1', [4, 3, 1, 1]);
  const y = b.op(op, [h, weight(b, 'scale', [4]), weight(b, 'bias', [4])], attributes);
  b.output(conv(b, y, 'w2', [2, 4, 1, 1]), 'float64', [batch, 2, height, width], 'y');
}

const cases: OpCase[] = [
  {
    op: 'GroupNormalization',
    name: 'normalises consecutive channels together',
    opset: 21,
    build: (b) =>
      b.op(
        'GroupNormalization',
        [b.input('x', 'float64', [1, 4, 2]), weight(b, 's', [4], [1, 2, 3, 4]), weight(b, 'o', [4], [0, 10, 0, -1])],
        { num_groups: int(2), ...epsilon(0) },
        { name: 'y' },
      ),
    // The first group has mean 4 and deviation 2, the second mean 1 and deviation 1.
    feeds: { x: values([1, 4, 2], [2, 6, 2, 6, 0, 2, 2, 0]) },
    shape: '[1, 4, 2]',
    values: [-1, 1, 8, 12, -3, 3, 3, -5],
  },
  {
    op: 'GroupNormalization',
    name: 'symbolic shapes',
    opset: 21,
    build: (b) =>
      b.op(
        'GroupNormalization',
        [image(b, 4), weight(b, 's', [4]), weight(b, 'o', [4])],
        { num_groups: int(2) },
        { name: 'y' },
      ),
    shape: '[batch, 4, height, width]',
  },
  {
    op: 'GroupNormalization',
    name: 'joins channels, scale and bias, and says how they are grouped',
    opset: 21,
    build: (b) => between(b, 'GroupNormalization', { num_groups: int(1) }),
    groups: ['4x w1:0 scale:0 bias:0 w2:1'],
  },
  {
    op: 'InstanceNormalization',
    name: 'normalises every channel alone',
    build: (b) =>
      b.op(
        'InstanceNormalization',
        [b.input('x', 'float64', [1, 2, 2]), weight(b, 's', [2], [1, 3]), weight(b, 'o', [2], [0, 10])],
        epsilon(0),
        { name: 'y' },
      ),
    feeds: { x: values([1, 2, 2], [2, 6, 1, 0]) },
    shape: '[1, 2, 2]',
    values: [-1, 1, 13, 7],
  },
  {
    op: 'InstanceNormalization',
    name: 'symbolic shapes',
    build: (b) =>
      b.op('InstanceNormalization', [image(b, 4), weight(b, 's', [4]), weight(b, 'o', [4])], {}, { name: 'y' }),
    shape: '[batch, 4, height, width]',
  },
  {
    op: 'InstanceNormalization',
    name: 'joins channels, scale and bias',
    build: (b) => between(b, 'InstanceNormalization', {}),
    feeds: { x: noise([1, 3, 2, 2]) },
    groups: ['4x w1:0 scale:0 bias:0 w2:1'],
  },
  {
    op: 'LayerNormalization',
    name: 'the last axis by default',
    build: (b) =>
      b.op(
        'LayerNormalization',
        [b.input('x', 'float64', [2, 2]), weight(b, 's', [2], [1, 3]), weight(b, 'o', [2], [0, 10])],
        epsilon(0),
        { name: 'y' },
      ),
    feeds: { x: values([2, 2], [2, 6, 1, 0]) },
    shape: '[2, 2]',
    values: [-1, 13, 1, 7],
  },
  {
    op: 'LayerNormalization',
    name: 'several axes, no bias, mean and inverse deviation as further outputs',
    build: (b) =>
      b.multi(
        'LayerNormalization',
        [b.input('x', 'float64', [batch, 2, 2]), weight(b, 's', [2, 2], [1, 1, 1, 2])],
        { axis: int(1), ...epsilon(0) },
        { name: 'y', outputs: 3 },
      ),
    feeds: { x: values([1, 2, 2], [2, 6, 6, 2]) },
    shape: ['[batch, 2, 2]', '[batch, 1, 1]', '[batch, 1, 1]'],
    values: [-1, 1, 1, -2],
  },
  {
    op: 'RMSNormalization',
    name: 'divides by the root of the mean square',
    opset: 23,
    build: (b) =>
      b.op('RMSNormalization', [b.input('x', 'float64', [1, 2]), weight(b, 's', [2], [1, 10])], epsilon(0), {
        name: 'y',
      }),
    feeds: { x: values([1, 2], [7, 1]) },
    shape: '[1, 2]',
    values: [1.4, 2],
  },
];

for (const op of ['LayerNormalization', 'RMSNormalization']) {
  cases.push({
    op,
    name: 'joins its axis with the weights',
    opset: 23,
    build(b) {
      const h = b.op('MatMul', [b.input('x', 'float64', [batch, symbol('n'), 3]), weight(b, 'w1', [3, 4])]);
      const weights =
        op === 'LayerNormalization' ? [weight(b, 'scale', [4]), weight(b, 'bias', [4])] : [weight(b, 'scale', [4])];
      b.op('MatMul', [b.op(op, [h, ...weights]), weight(b, 'w2', [4, 2])], {}, { name: 'y' });
    },
    groups: [`4x w1:1 scale:0 ${op === 'LayerNormalization' ? 'bias:0 ' : ''}w2:0`],
  });
}

testOps(normOps, cases);

interface NormCase {
  name: string;
  shape: number[];
  symbolic?: (number | ReturnType<typeof symbol>)[];
  weights: number[];
  attributes?: Parameters<GraphBuilder['op']>[2];
  bias?: boolean;
}

const gradientCase = (op: string, opset: number, one: NormCase): GradientCase => ({
  op,
  name: one.name,
  opset,
  build(b) {
    const x = b.input('x', 'float64', one.symbolic ?? one.shape);
    const inputs = [
      x,
      weight(b, 'scale', one.weights),
      ...(one.bias === false ? [] : [weight(b, 'bias', one.weights)]),
    ];
    b.op(op, inputs, { ...epsilon(1e-3), ...one.attributes }, { name: 'y' });
  },
  feeds: { x: noise(one.shape, 11) },
});

const groups = (n: number) => ({ num_groups: int(n) });
testGradients(normOps, [
  ...[18, 21].flatMap((opset) => [
    gradientCase('GroupNormalization', opset, {
      name: `pictures, opset ${opset}`,
      shape: [2, 6, 2, 3],
      weights: [6],
      attributes: groups(3),
    }),
    gradientCase('GroupNormalization', opset, {
      name: `symbolic sizes, opset ${opset}`,
      shape: [2, 4, 2, 3],
      symbolic: [batch, 4, height, width],
      weights: [4],
      attributes: groups(2),
    }),
  ]),
  gradientCase('GroupNormalization', 13, { name: 'opset 13', shape: [2, 4, 3], weights: [4], attributes: groups(2) }),
  gradientCase('GroupNormalization', 21, { name: 'one group', shape: [2, 4, 3], weights: [4], attributes: groups(1) }),
  gradientCase('GroupNormalization', 21, {
    name: 'a group per channel',
    shape: [2, 4, 3],
    weights: [4],
    attributes: groups(4),
  }),
  gradientCase('GroupNormalization', 21, {
    name: 'nothing after the channels',
    shape: [3, 6],
    weights: [6],
    attributes: groups(2),
  }),
  gradientCase('InstanceNormalization', 18, { name: 'pictures', shape: [2, 3, 2, 3], weights: [3] }),
  gradientCase('InstanceNormalization', 13, {
    name: 'opset 13',
    shape: [2, 3, 5],
    symbolic: [batch, 3, width],
    weights: [3],
  }),
  {
    op: 'InstanceNormalization',
    name: 'without weights, as GroupNorm is exported',
    build: (b) => {
      const [one, zero] = [b.tensor(values([2], [1, 1])), b.tensor(values([2], [0, 0]))];
      b.op('InstanceNormalization', [b.input('x', 'float64', [2, 2, 4]), one, zero], epsilon(1e-3), { name: 'y' });
    },
    feeds: { x: noise([2, 2, 4]) },
    wrt: ['x'],
  },
  gradientCase('LayerNormalization', 17, {
    name: 'last axis',
    shape: [2, 3, 4],
    symbolic: [batch, width, 4],
    weights: [4],
  }),
  gradientCase('LayerNormalization', 18, {
    name: 'two axes, no bias',
    shape: [2, 3, 4],
    weights: [3, 4],
    attributes: { axis: int(1) },
    bias: false,
  }),
  gradientCase('LayerNormalization', 18, {
    name: 'weights that are repeated',
    shape: [2, 3, 4],
    weights: [4],
    attributes: { axis: int(-2) },
  }),
  gradientCase('LayerNormalization', 18, { name: 'weights along the batch', shape: [2, 3, 4], weights: [2, 1, 4] }),
  {
    op: 'LayerNormalization',
    name: 'scale of ones, as exported without weights',
    build: (b) =>
      b.op(
        'LayerNormalization',
        [b.input('x', 'float64', [3, 4]), b.tensor(values([4], [1, 1, 1, 1]))],
        {},
        { name: 'y' },
      ),
    feeds: { x: noise([3, 4]) },
    wrt: ['x'],
  },
  gradientCase('RMSNormalization', 23, {
    name: 'last axis',
    shape: [2, 3, 4],
    symbolic: [batch, width, 4],
    weights: [4],
    bias: false,
  }),
  gradientCase('RMSNormalization', 23, {
    name: 'two axes',
    shape: [2, 3, 4],
    weights: [3, 4],
    attributes: { axis: int(1) },
    bias: false,
  }),
]);

describe('precision', () => {
  it('inputs far from zero keep their deviation', () => {
    const b = new GraphBuilder('case');
    const x = values([1, 1, 4], [1e4 + 1, 1e4 - 1, 1e4 + 1, 1e4 - 1]);
    b.op(
      'InstanceNormalization',
      [b.input('x', 'float64', [1, 1, 4]), b.tensor(values([1], [1])), b.tensor(values([1], [0]))],
      epsilon(0),
      { name: 'y' },
    );
    b.outputs.push({ name: 'y', dtype: 'float64', shape: [1, 1, 4] });
    expect(Array.from(evaluateGraph(b.build(), { x }).y!.data, Number)).toEqual([1, -1, 1, -1]);
  });
});

describe('refusals and dtypes', () => {
  const infer = (
    op: string,
    x: (number | ReturnType<typeof symbol>)[],
    weights: number[],
    attributes = {},
    dtype: DType = 'float32',
  ) => {
    const b = new GraphBuilder('case');
    const scale = b.tensor(castTensor(noise(weights), dtype));
    const outputs = b.multi(op, [b.input('x', dtype, x), scale, scale], attributes, {
      name: 'y',
      outputs: op === 'LayerNormalization' ? 3 : 1,
    });
    const types = inferTypes(b.build());
    return outputs.map((name) => types.get(name)!.dtype);
  };

  it.each([
    [
      'the per-group scale of opset 18',
      'GroupNormalization',
      [1, 4, 2],
      [2],
      groups(2),
      /form of opset 18.*each of 4 channels/,
    ],
    [
      'groups that do not divide',
      'GroupNormalization',
      [1, 4, 2],
      [4],
      groups(3),
      /4 channels do not divide into 3 groups/,
    ],
    ['no groups', 'GroupNormalization', [1, 4, 2], [4], {}, /into 0 groups/],
    ['symbolic channels', 'GroupNormalization', [1, batch, 2], [4], groups(2), /known number of channels/],
    ['too few axes', 'InstanceNormalization', [4], [4], {}, /rank 1; at least 2/],
    ['a scale of another size', 'InstanceNormalization', [1, 4, 2], [3], {}, /needs \[4\] as input 1, not \[3\]/],
    ['weights that do not fit', 'LayerNormalization', [2, 4], [3], {}, /\[3\] does not broadcast to \[2, 4\]/],
    ['weights larger than x', 'LayerNormalization', [2, 1], [3], {}, /\[3\] does not broadcast to \[2, 1\]/],
    ['an axis out of range', 'LayerNormalization', [2, 4], [4], { axis: int(2) }, /axis 2 is outside/],
  ])('%s', (_, op, x, weights, attributes, message) => {
    expect(() => infer(op, x, weights, attributes)).toThrowError(message);
  });

  it('statistics of half-precision values are single precision', () => {
    expect(infer('LayerNormalization', [2, 4], [4], {}, 'float16')).toEqual(['float16', 'float32', 'float32']);
  });
});
