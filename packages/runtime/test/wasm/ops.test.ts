import type { Engine } from '@secateur/core';
import {
  castTensor,
  constantOf,
  evaluateGraph,
  float,
  float32,
  int,
  int64,
  ints,
  string,
  symbol,
  type Tensor,
  toFloat32,
} from '@secateur/graph';
import { relativeError } from '@secateur/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasmEngineInNode } from '../../src/node.js';
import type { WasmEngine } from '../../src/wasm/wasm-engine.js';
import { Sketch, wave } from './cases.js';

let engine: WasmEngine;
beforeAll(async () => {
  engine = await wasmEngineInNode();
});

type Attributes = Parameters<Sketch['op']>[2];
type Build = (b: Sketch, x: string) => string;

/** Runs a graph of one input here and in the reference interpreter. `kinds`: what its steps have to be, in their order. */
async function check(shape: readonly number[], build: Build, kinds?: readonly string[], opset = 18): Promise<void> {
  const b = new Sketch('case', opset);
  const x = b.input('x', 'float32', shape);
  b.output(
    build(b, x),
    'float32',
    shape.map((_, i) => symbol(`y${i}`)),
    'y',
  );
  const graph = b.build();
  const feeds = { x: wave(shape) };
  const executable = await engine.compile(graph);
  const { y } = await executable.run(feeds);
  const expected = evaluateGraph(graph, feeds).y!;
  expect(y!.shape).toEqual(expected.shape);
  expect(relativeError(toFloat32(y!), toFloat32(expected))).toBeLessThan(1e-5);
  if (kinds) {
    const steps = await executable.profile(feeds);
    expect(steps.map(({ kind }) => kind).slice(1, -1)).toEqual(kinds);
  }
  await executable.dispose();
}

function conv(b: Sketch, x: string, shape: readonly number[], attributes: Attributes = {}, name = 'conv'): string {
  return b.op('Conv', [x, b.weight(`${name}.weight`, shape), b.weight(`${name}.bias`, [shape[0]!])], attributes);
}
const pads = (...sizes: number[]) => ({ pads: ints(sizes) });

describe('convolutions', () => {
  const image = [2, 8, 9, 10];
  it.each<[string, readonly number[], readonly number[], Attributes]>([
    ['3x3', image, [12, 8, 3, 3], pads(1, 1, 1, 1)],
    ['3x3, unevenly padded', image, [12, 8, 3, 3], pads(0, 1, 2, 1)],
    ['3x3, stride 2, padded at the end', image, [12, 8, 3, 3], { ...pads(0, 0, 1, 1), strides: ints([2, 2]) }],
    ['3x3, auto_pad SAME_UPPER', image, [12, 8, 3, 3], { auto_pad: string('SAME_UPPER'), strides: ints([2, 2]) }],
    ['1x1', image, [12, 8, 1, 1], {}],
    ['1x1, stride 2', image, [12, 8, 1, 1], { strides: ints([2, 2]) }],
    ['5x5', image, [12, 8, 5, 5], pads(2, 2, 2, 2)],
    ['in groups', image, [12, 2, 3, 3], { ...pads(1, 1, 1, 1), group: int(4) }],
    ['depthwise', image, [8, 1, 3, 3], { ...pads(1, 1, 1, 1), group: int(8) }],
    ['dilated', image, [12, 8, 3, 3], { ...pads(2, 2, 2, 2), dilations: ints([2, 2]) }],
    ['stride 3', image, [12, 8, 3, 3], { ...pads(1, 1, 1, 1), strides: ints([3, 3]) }],
    ['strides that differ', image, [12, 8, 3, 3], { ...pads(1, 1, 1, 1), strides: ints([1, 2]) }],
    ['patches of 4', [2, 3, 8, 12], [16, 3, 4, 4], { strides: ints([4, 4]) }],
    ['over a line', [2, 8, 11], [12, 8, 3], { ...pads(1, 1), strides: ints([2]) }],
    ['a kernel larger than 7', [1, 2, 10, 10], [4, 2, 9, 9], pads(4, 4, 4, 4)],
  ])('%s', (_, shape, weight, attributes) => check(shape, (b, x) => conv(b, x, weight, attributes)));

  it.each<[string, readonly number[], Attributes]>([
    ['stride 2', [8, 6, 3, 3], { strides: ints([2, 2]), ...pads(1, 1, 1, 1), output_padding: ints([1, 0]) }],
    ['in groups', [8, 2, 4, 4], { strides: ints([2, 2]), ...pads(1, 1, 1, 1), group: int(4) }],
    ['stride 1, unpadded', [8, 6, 2, 3], {}],
  ])('transposed: %s', (_, weight, attributes) =>
    check([2, 8, 5, 4], (b, x) => b.op('ConvTranspose', [x, b.weight('w', weight)], attributes)),
  );

  it('refuses three axes by name', async () => {
    const b = new Sketch('volume', 18);
    const x = b.input('x', 'float32', [1, 2, 4, 4, 4]);
    b.output(b.op('Conv', [x, b.weight('w', [2, 2, 1, 1, 1])], {}), 'float32', [1, 2, 4, 4, 4], 'y');
    const run = async () => (await engine.compile(b.build())).run({ x: wave([1, 2, 4, 4, 4]) });
    await expect(run()).rejects.toMatchObject({ code: expect.stringMatching(/UNKNOWN_OP|SHAPE_MISMATCH/) });
  });
});

describe('what a layer takes over', () => {
  const image = [2, 8, 8, 8];
  const norm = (b: Sketch, x: string, channels: number) =>
    b.op('GroupNormalization', [x, b.weight('g', [channels]), b.weight('be', [channels])], {
      num_groups: int(4),
      epsilon: float(1e-5),
    });
  const silu = (b: Sketch, x: string) => b.op('Mul', [x, b.op('Sigmoid', [x])]);
  const same = pads(1, 1, 1, 1);

  it('norm and SiLU on the way in', () =>
    check(image, (b, x) => conv(b, silu(b, norm(b, x, 8)), [12, 8, 3, 3], same), ['moments', 'convolution'], 21));

  it('not a norm before stride 2', () =>
    check(
      image,
      (b, x) => conv(b, norm(b, x, 8), [12, 8, 3, 3], { ...same, strides: ints([2, 2]) }),
      ['moments', 'affine', 'convolution'],
      21,
    ));

  it('a norm over a concatenation, whose parts stay where they are', () =>
    check(
      image,
      (b, x) => {
        const y = conv(b, x, [4, 8, 1, 1]);
        return conv(b, silu(b, norm(b, b.op('Concat', [x, y], { axis: int(1) }), 12)), [8, 12, 3, 3], same, 'next');
      },
      ['convolution', 'moments', 'convolution'],
      21,
    ));

  it('enlargement by two', () =>
    check(
      image,
      (b, x) => {
        const enlarged = b.op('Resize', [x, '', b.tensor(float32([4], [1, 1, 2, 2]))], {
          mode: string('nearest'),
          coordinate_transformation_mode: string('asymmetric'),
          nearest_mode: string('floor'),
        });
        return conv(b, enlarged, [8, 8, 3, 3], same);
      },
      ['convolution'],
    ));

  it('not an enlargement that was given another shape', () =>
    check(
      image,
      (b, x) => {
        const enlarged = b.op('Resize', [x, '', b.tensor(float32([4], [1, 1, 2, 2]))], {
          mode: string('nearest'),
          coordinate_transformation_mode: string('asymmetric'),
          nearest_mode: string('floor'),
        });
        return conv(b, b.op('Reshape', [enlarged, b.ints([2, 8, 8, 32])]), [8, 8, 3, 3], same);
      },
      ['enlarge', 'convolution'],
    ));

  it.each([0, 1])('a residual as operand %d', (i) =>
    check(
      image,
      (b, x) => {
        const y = conv(b, x, [8, 8, 3, 3], same);
        return b.op('Add', i ? [y, x] : [x, y]);
      },
      ['convolution'],
    ),
  );

  it('of two layers the larger one the result of the other', () =>
    check(image, (b, x) => b.op('Add', [conv(b, x, [8, 8, 1, 1], {}, 'shortcut'), conv(b, x, [8, 8, 3, 3], same)]), [
      'convolution',
      'convolution',
    ]));

  it('a bias for every image, made by a layer after it in the graph', () =>
    check(
      image,
      (b, x) => {
        const y = conv(b, x, [8, 8, 3, 3], same);
        const mean = b.op('ReduceMean', [x, b.ints([2, 3])], { keepdims: int(0) });
        const time = b.op('Gemm', [mean, b.weight('t.weight', [8, 8]), b.weight('t.bias', [8])], { transB: int(1) });
        return b.op('Add', [y, b.op('Unsqueeze', [time, b.ints([2, 3])])]);
      },
      ['plain ReduceMean', 'linear', 'convolution'],
    ));

  it('neither when something else reads the sum before', () =>
    check(image, (b, x) => {
      const y = conv(b, x, [8, 8, 3, 3], same);
      return b.op('Mul', [b.op('Add', [x, y]), y]);
    }));

  it('sums of two embeddings, each with a bias of its own', () =>
    check([1, 8], (b, x) => {
      const dense = (name: string) =>
        b.op('Gemm', [x, b.weight(`${name}.weight`, [8, 8]), b.weight(`${name}.bias`, [8])], { transB: int(1) });
      return b.op('Add', [b.op('Add', [dense('a'), dense('bb')]), dense('ccc')]);
    }));
});

describe('linear layers', () => {
  it.each([1, 2, 3, 4, 7])('Gemm of %d rows', (rows) =>
    check([rows, 16], (b, x) => b.op('Gemm', [x, b.weight('w', [16, 24]), b.weight('b', [24])])),
  );
  it('Gemm of a transposed input', () =>
    check([16, 5], (b, x) => b.op('Gemm', [x, b.weight('w', [24, 16])], { transA: int(1), transB: int(1) })));
  it('Gemm with factors, in plain JavaScript', () =>
    check([5, 16], (b, x) => b.op('Gemm', [x, b.weight('w', [16, 24])], { alpha: float(2) }), ['plain Gemm']));
  it('tokens with two axes, a bias and a residual through a transpose', () =>
    check(
      [2, 12, 4, 5],
      (b, x) => {
        const tokens = b.op('Transpose', [x], { perm: ints([0, 2, 3, 1]) });
        const y = b.op('Add', [b.op('MatMul', [tokens, b.weight('w', [12, 12])]), b.weight('b', [12])]);
        return b.op('Add', [b.op('Transpose', [y], { perm: ints([0, 3, 1, 2]) }), x]);
      },
      ['linear'],
    ));
  it.each<[string, Build]>([
    ['Gemm', (b, x) => b.op('Gemm', [x, b.op('Concat', [b.op('Sin', [x]), x], { axis: int(1) })], { transA: int(1) })],
    [
      'Conv',
      (b, x) => {
        const picture = b.op('Reshape', [x, b.ints([1, 2, 3, 8])]);
        const weight = b.op('Reshape', [b.op('Gemm', [x, b.weight('w', [8, 12])]), b.ints([12, 2, 3, 1])]);
        return b.op('Conv', [picture, weight], { pads: ints([1, 0, 1, 0]) });
      },
    ],
  ])('%s with a weight that is computed just before', (_, build) => check([6, 8], build));

  it('half-precision weights', () =>
    check([2, 6, 16], (b, x) => {
      const w = b.constant('w', constantOf(castTensor(wave([16, 8]), 'float16')));
      return b.op('MatMul', [x, b.op('Cast', [w], { to: int(1) })]);
    }));
});

describe('attention', () => {
  const heads = (b: Sketch, x: string, name: string, perm: readonly number[]) => {
    const y = b.op('Reshape', [b.op('MatMul', [x, b.weight(name, [16, 16])]), b.ints([0, 0, 2, 8])]);
    return b.op('Transpose', [y], { perm: ints(perm) });
  };
  const attend = (b: Sketch, x: string, onScores: (scores: string) => string) => {
    const scores = b.op('MatMul', [heads(b, x, 'q', [0, 2, 1, 3]), heads(b, x, 'kk', [0, 2, 3, 1])]);
    const mixed = b.op('MatMul', [
      b.op('Softmax', [onScores(scores)], { axis: int(-1) }),
      heads(b, x, 'vvv', [0, 2, 1, 3]),
    ]);
    return b.op('Reshape', [b.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }), b.ints([0, 0, 16])]);
  };
  // The input lies token by token: it is turned around once.
  const linears = ['copy', 'linear', 'linear', 'linear'];

  it.each<[string, (b: Sketch, scores: string) => string]>([
    ['multiplied', (b, scores) => b.op('Mul', [scores, b.scalar(0.3)])],
    ['divided', (b, scores) => b.op('Div', [scores, b.scalar(2.8)])],
    ['as they are', (_, scores) => scores],
  ])('of scores %s is one step', (_, scale) =>
    check([2, 7, 16], (b, x) => attend(b, x, (scores) => scale(b, scores)), [...linears, 'attention']),
  );

  it.each<[string, Attributes, boolean]>([
    ['plain', {}, false],
    ['with a scale', { scale: float(0.7) }, false],
    ['causal', { is_causal: int(1) }, false],
    ['masked by truth values', {}, true],
  ])("ONNX's own operator, %s", (_, attributes, isMasked) =>
    check(
      [2, 6, 16],
      (b, x) => {
        const [q, k, v] = ['q', 'kk', 'vvv'].map((name) => heads(b, x, name, [0, 2, 1, 3])) as [string, string, string];
        const seen = {
          dtype: 'bool',
          shape: [6, 6],
          data: Uint8Array.from({ length: 36 }, (_, i) => (i % 5 ? 1 : 0)),
        } as const;
        const mixed = b.op('Attention', [q, k, v, ...(isMasked ? [b.tensor(seen)] : [])], attributes);
        return b.op('Reshape', [b.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }), b.ints([0, 0, 16])]);
      },
      undefined,
      23,
    ),
  );

  it('with a mask goes product by product', () =>
    check([2, 7, 16], (b, x) => attend(b, x, (scores) => b.op('Add', [scores, b.weight('mask', [1, 1, 7, 7])]))));

  it('with values of another width goes product by product', () =>
    check([3, 6, 8], (b, x) => {
      const scores = b.op('MatMul', [x, b.op('Transpose', [x], { perm: ints([0, 2, 1]) })]);
      const values = b.op('MatMul', [x, b.weight('v', [8, 12])]);
      return b.op('MatMul', [b.op('Softmax', [scores], { axis: int(-1) }), values]);
    }));
});

describe('the rest', () => {
  const sizes = [2, 6, 4, 5];
  it.each<[string, Build]>([
    [
      'LayerNormalization without a bias',
      (b, x) => b.op('LayerNormalization', [x, b.weight('g', [5])], { axis: int(-1) }),
    ],
    ['Softmax over the first axes', (b, x) => b.op('Softmax', [x], { axis: int(1) })],
    [
      'Slice with steps and from the end',
      (b, x) => b.op('Slice', [x, b.ints([-5, 0]), b.ints([100, 5]), b.ints([1, 3]), b.ints([2, 2])]),
    ],
    ['Slice backwards', (b, x) => b.op('Slice', [x, b.ints([-1]), b.ints([-100]), b.ints([3]), b.ints([-1])])],
    ['Gather of one index', (b, x) => b.op('Gather', [x, b.tensor(int64([-1], []))], { axis: int(1) })],
    ['Gather of several', (b, x) => b.op('Gather', [x, b.ints([3, 0, 3])], { axis: int(1) })],
    [
      'Expand and Add',
      (b, x) =>
        b.op('Add', [
          x,
          b.op('Expand', [b.op('Slice', [x, b.ints([0]), b.ints([1]), b.ints([2])]), b.ints([2, 6, 4, 5])]),
        ]),
    ],
    [
      'Split and halves gated by GELU',
      (b, x) => {
        const [a, gate] = b.multi('Split', [x, b.ints([3, 3])], { axis: int(1) }, { outputs: 2 });
        const erf = b.op('Add', [b.op('Erf', [b.op('Div', [gate!, b.scalar(Math.SQRT2)])]), b.scalar(1)]);
        return b.op('Mul', [a!, b.op('Mul', [b.op('Mul', [gate!, erf]), b.scalar(0.5)])]);
      },
    ],
    [
      'modulation of tokens',
      (b, x) => {
        const tokens = b.op('Transpose', [b.op('Reshape', [x, b.ints([0, 0, -1])])], { perm: ints([0, 2, 1]) });
        const mean = b.op('ReduceMean', [tokens, b.ints([1])], { keepdims: int(1) });
        const y = b.op('MatMul', [tokens, b.weight('w', [6, 6])]);
        return b.op('Add', [b.op('Mul', [y, b.op('Add', [mean, b.scalar(1)])]), mean]);
      },
    ],
    ['Concat along tokens', (b, x) => b.op('Concat', [x, b.op('Neg', [x]), x], { axis: int(2) })],
    [
      'Resize to three times the size',
      (b, x) =>
        b.op('Resize', [x, '', b.tensor(float32([4], [1, 1, 3, 3]))], {
          mode: string('nearest'),
          coordinate_transformation_mode: string('asymmetric'),
          nearest_mode: string('floor'),
        }),
    ],
    [
      'Sub and Div of what is broadcast',
      (b, x) => b.op('Div', [b.op('Sub', [b.weight('w', [5]), x]), b.op('Add', [b.op('Abs', [x]), b.scalar(1)])]),
    ],
    ['Einsum that turns', (b, x) => b.op('Einsum', [x], { equation: string('abcd->acdb') })],
    [
      'Einsum of a table',
      (b, x) =>
        b.op('Einsum', [b.op('ReduceMean', [x, b.ints([2, 3])], { keepdims: int(0) }), b.weight('w', [5])], {
          equation: string('ab,c->acb'),
        }),
    ],
    ['Einsum that sums', (b, x) => b.op('Einsum', [x, b.weight('w', [5, 3])], { equation: string('abcd,de->abce') })],
    ['Pad', (b, x) => b.op('Pad', [x, b.ints([0, 0, 1, 2, 0, 0, 0, 1])])],
    ['the same node twice', (b, x) => b.op('Mul', [b.op('Tanh', [x]), b.op('Tanh', [x])])],
  ])('%s', (_, build) => check(sizes, build));

  it('half precision in and out', async () => {
    const b = new Sketch('half', 18);
    const x = b.input('x', 'float16', [2, 8]);
    const w = b.constant('w', constantOf(castTensor(wave([8, 4]), 'float16')));
    b.output(b.op('MatMul', [x, w]), 'float16', [2, 4], 'y');
    const graph = b.build();
    const feeds = { x: castTensor(wave([2, 8]), 'float16') };
    const { y } = await (await (engine as Engine).compile(graph)).run(feeds);
    expect(y!.dtype).toBe('float16');
    const expected: Tensor = castTensor(evaluateGraph(graph, feeds).y!, 'float16');
    expect(relativeError(toFloat32(y!), toFloat32(expected))).toBeLessThan(1e-3);
  });
});
