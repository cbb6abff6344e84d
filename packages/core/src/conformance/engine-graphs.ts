/** Small graphs that every engine must run, with feeds. Values are fixed, of size about 1. */
import {
  constantOf,
  type Dim,
  type DType,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  string,
  symbol,
  type Tensor,
} from '@secateur/graph';

export interface EngineCase {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** Values in [-1, 1] without pattern or chance: `sin` of growing angles. */
export function wave(shape: readonly number[], phase = 0): Tensor {
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * i + phase)),
  );
}

/** A graph of one node from `x` (and weights) to `y`. */
export function oneNode(
  op: string,
  attributes: Parameters<GraphBuilder['op']>[2] = {},
  { dtype = 'float32', shape = [symbol('n')] }: { dtype?: DType; shape?: readonly Dim[] } = {},
): Graph {
  const b = new GraphBuilder(op);
  const x = b.input('x', dtype, shape);
  b.output(b.op(op, [x], attributes, { name: 'y' }), dtype, shape);
  return b.build();
}

/** `y = x·w`, x `[batch, 16]`, w `[16, 24]`: big enough a weight to be held outside an ONNX model. */
export function linearGraph(): Graph {
  const b = new GraphBuilder('linear');
  const x = b.input('x', 'float32', [symbol('batch'), 16]);
  const w = b.constant('w', constantOf(wave([16, 24], 1)));
  b.output(b.op('MatMul', [x, w], {}, { name: 'y' }), 'float32', [symbol('batch'), 24]);
  return b.build();
}

/** `sum = a + b` and `product = a·b`, element by element, of `[n]`. */
export function twoOutputGraph(): Graph {
  const b = new GraphBuilder('two-outputs');
  const shape = [symbol('n')];
  const inputs = [b.input('a', 'float32', shape), b.input('b', 'float32', shape)];
  b.output(b.op('Add', inputs, {}, { name: 'sum' }), 'float32', shape);
  b.output(b.op('Mul', inputs, {}, { name: 'product' }), 'float32', shape);
  return b.build();
}

/** One case for each operator that denoisers are made of, and a residual block and an attention that join them. */
export function engineCases(): readonly EngineCase[] {
  const image = [2, 8, 6, 6];
  return [
    unary('Conv, stride 2', image, [2, 12, 3, 3], (b, x) => conv(b, x, 12, 8, { strides: ints([2, 2]) })),
    unary('Conv in 2 groups', image, [2, 8, 6, 6], (b, x) => conv(b, x, 8, 4, { group: int(2) })),
    unary('MatMul and Transpose of a weight', [2, 5, 16], [2, 5, 24], (b, x) =>
      b.op('MatMul', [x, b.op('Transpose', [weight(b, 'w', [24, 16])], { perm: ints([1, 0]) })]),
    ),
    unary('Gemm, transposed', [3, 16], [3, 24], (b, x) =>
      b.op('Gemm', [x, weight(b, 'w', [24, 16]), weight(b, 'b', [24])], { transB: int(1) }),
    ),
    unary('GroupNormalization', image, image, (b, x) => groupNorm(b, x, 4, 8), 21),
    unary('LayerNormalization', [2, 5, 16], [2, 5, 16], (b, x) =>
      b.op('LayerNormalization', [x, weight(b, 's', [16]), weight(b, 'b', [16])], {
        axis: int(-1),
        epsilon: float(1e-5),
      }),
    ),
    unary('Softmax', [2, 3, 7], [2, 3, 7], (b, x) => b.op('Softmax', [x], { axis: int(-1) })),
    unary('Sigmoid and Mul', image, image, (b, x) => silu(b, x)),
    unary('Resize, nearest', image, [2, 8, 12, 12], (b, x) =>
      b.op('Resize', [x, '', b.tensor(float32([4], [1, 1, 2, 2]))], {
        mode: string('nearest'),
        coordinate_transformation_mode: string('asymmetric'),
        nearest_mode: string('floor'),
      }),
    ),
    unary('Concat', image, [2, 16, 6, 6], (b, x) => b.op('Concat', [x, b.op('Tanh', [x])], { axis: int(1) })),
    unary('Split and Mul', [2, 8, 3], [2, 4, 3], (b, x) => {
      const halves = b.multi('Split', [x, b.ints([4, 4])], { axis: int(1) }, { outputs: 2 });
      return b.op('Mul', halves);
    }),
    unary('Reshape and Transpose', [2, 6, 4], [2, 2, 4, 3], (b, x) =>
      b.op('Transpose', [b.op('Reshape', [x, b.ints([0, 3, 2, -1])])], { perm: ints([0, 2, 3, 1]) }),
    ),
    unary('residual block', image, image, residualBlock, 21),
    unary('attention', [2, 5, 16], [2, 5, 16], attention),
  ];
}

function unary(
  name: string,
  from: readonly number[],
  to: readonly number[],
  body: (b: GraphBuilder, x: string) => string,
  opset = 18,
): EngineCase {
  const b = new GraphBuilder(name, opset);
  const batched = (shape: readonly number[]): Dim[] => [
    ...(shape[0] === 2 ? [symbol('batch')] : [shape[0]!]),
    ...shape.slice(1),
  ];
  const x = b.input('x', 'float32', batched(from));
  b.output(body(b, x), 'float32', batched(to), 'y');
  return { name, graph: b.build(), feeds: { x: wave(from) } };
}

function weight(b: GraphBuilder, name: string, shape: readonly number[]): string {
  return b.constant(name, constantOf(wave(shape, name.length + shape.length)));
}

function conv(
  b: GraphBuilder,
  x: string,
  out: number,
  fanIn: number,
  attributes: Parameters<GraphBuilder['op']>[2] = {},
  name = 'conv',
): string {
  const inputs = [x, weight(b, `${name}.weight`, [out, fanIn, 3, 3]), weight(b, `${name}.bias`, [out])];
  return b.op('Conv', inputs, { pads: ints([1, 1, 1, 1]), ...attributes });
}

function groupNorm(b: GraphBuilder, x: string, groups: number, channels: number, name = 'norm'): string {
  const inputs = [x, weight(b, `${name}.weight`, [channels]), weight(b, `${name}.bias`, [channels])];
  return b.op('GroupNormalization', inputs, { num_groups: int(groups), epsilon: float(1e-5) });
}

function silu(b: GraphBuilder, x: string): string {
  return b.op('Mul', [x, b.op('Sigmoid', [x])]);
}

function residualBlock(b: GraphBuilder, x: string): string {
  const first = conv(b, silu(b, groupNorm(b, x, 4, 8, 'norm1')), 16, 8, {}, 'conv1');
  const second = conv(b, silu(b, groupNorm(b, first, 4, 16, 'norm2')), 8, 16, {}, 'conv2');
  return b.op('Add', [x, second]);
}

/** Two heads of 8: `[batch, 5, 16]` to the same. */
function attention(b: GraphBuilder, x: string): string {
  const heads = (name: string, perm: readonly number[]) => {
    const projected = b.op('MatMul', [x, weight(b, name, [16, 16])]);
    return b.op('Transpose', [b.op('Reshape', [projected, b.ints([0, 0, 2, 8])])], { perm: ints(perm) });
  };
  const scores = b.op('MatMul', [heads('q', [0, 2, 1, 3]), heads('key', [0, 2, 3, 1])]);
  const weights = b.op('Softmax', [b.op('Mul', [scores, b.scalar(8 ** -0.5)])], { axis: int(-1) });
  const mixed = b.op('Transpose', [b.op('MatMul', [weights, heads('value', [0, 2, 1, 3])])], {
    perm: ints([0, 2, 1, 3]),
  });
  return b.op('MatMul', [b.op('Reshape', [mixed, b.ints([0, 0, 16])]), weight(b, 'to_out', [16, 16])]);
}
