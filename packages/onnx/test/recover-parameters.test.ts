import { constantOf, float32, type Graph, GraphBuilder, int, type Tensor } from '@secateur/graph';
import { expect, test } from 'vitest';
import { nameMap, recoverParameters } from '../src/index.js';
import { readSafetensors, unet } from './fixture.js';

/** The constant's values in the checkpoint's order of axes, by indexing rather than by the code under test. */
function inCheckpointOrder(value: Tensor, axes: readonly (number | null)[], shape: readonly number[]): number[] {
  const out: number[] = [];
  const index = shape.map(() => 0);
  for (let n = shape.reduce((a, b) => a * b, 1); n > 0; n--) {
    let flat = 0;
    for (const [i, axis] of axes.entries()) flat = flat * value.shape[i] + (axis === null ? 0 : index[axis]);
    out.push(Number(value.data[flat]));
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return out;
}

test('every parameter of the exported UNet gets its name, shape and exact values back', async () => {
  const graph = recoverParameters(await unet());
  const checkpoint = readSafetensors('unet2d-tiny/diffusion_pytorch_model.safetensors');
  const map = nameMap(graph);
  expect(map.map((entry) => entry.parameter).sort()).toEqual([...checkpoint.keys()].sort());
  for (const { value, parameter, axes } of map) {
    const constant = graph.constants.get(value)!;
    const expected = checkpoint.get(parameter)!;
    expect(constant.parameter!.shape, parameter).toEqual(expected.shape);
    expect(inCheckpointOrder(await constant.read(), axes, expected.shape), parameter).toEqual([...expected.data]);
  }
  expect(map.filter(({ axes }) => axes.join() === '1,0')).toHaveLength(16);
  expect(map.filter(({ axes }) => axes.includes(null))).toHaveLength(42);
});

test('scopes are those of the checkpoint, without the wrapper', async () => {
  const graph = recoverParameters(await unet());
  const scopes = new Set(graph.nodes.map((node) => node.scope));
  expect(scopes).toContain('conv_in');
  expect(scopes).toContain('down_blocks.1.attentions.0.to_out.0');
  expect([...scopes].filter((scope) => scope.startsWith('m.'))).toEqual([]);
});

function twoLayers(prefix: string): Graph {
  const builder = new GraphBuilder('two', 17);
  let x = builder.input('x', 'float32', [2, 3]);
  for (const layer of ['a.fc', 'b.fc']) {
    const weight = builder.constant(`${prefix}${layer}.weight`, constantOf(float32([3, 3], new Float32Array(9))));
    x = builder.op('Gemm', [x, weight], { transB: int(1) }, { name: `/${(prefix + layer).replaceAll('.', '/')}/Gemm` });
  }
  builder.output(x, 'float32', [2, 3]);
  return builder.build();
}

test.each([
  ['', 'a.fc.weight'],
  ['m.', 'a.fc.weight'],
  ['outer.inner.', 'a.fc.weight'],
  ['text_model.', 'text_model.a.fc.weight'],
])('with prefix "%s" the first weight is %s', (prefix, expected) => {
  expect(nameMap(recoverParameters(twoLayers(prefix)))[0].parameter).toBe(expected);
});

test('a prefix given by the caller wins', () => {
  const graph = recoverParameters(twoLayers('text_model.'), { prefix: 'text_model.' });
  expect(nameMap(graph)[0].parameter).toBe('a.fc.weight');
});

test('a single layer is no wrapper, made-up names are no parameters, buffers are marked', () => {
  const builder = new GraphBuilder('one', 17);
  const x = builder.input('x', 'float32', [1, 2]);
  for (const name of [
    'conv.weight',
    'conv.bias',
    'onnx::Pow_12',
    '/m/Constant_output_0',
    'val_7',
    '93',
    'norm.running_mean',
  ]) {
    builder.constant(name, constantOf(float32([2], [1, 2])));
  }
  builder.output(builder.op('Add', [x, 'conv.bias']), 'float32', [1, 2]);
  const graph = recoverParameters(builder.build());
  expect(nameMap(graph).map(({ parameter }) => parameter)).toEqual(['conv.weight', 'conv.bias', 'norm.running_mean']);
  expect(graph.constants.get('norm.running_mean')!.parameter!.buffer).toBe(true);
});

test('Gemm without transB reads the weight transposed; a second claim on one name is left alone', () => {
  const builder = new GraphBuilder('tied', 17);
  const x = builder.input('x', 'float32', [2, 3]);
  const w = builder.constant('onnx::Gemm_1', constantOf(float32([3, 4], new Float32Array(12))));
  const v = builder.constant('onnx::MatMul_2', constantOf(float32([4, 3], new Float32Array(12))));
  builder.scope('fc', () => {
    const y = builder.op('Gemm', [x, w]);
    builder.output(builder.op('MatMul', [y, v]), 'float32', [2, 3]);
  });
  expect(nameMap(recoverParameters(builder.build()))).toEqual([
    { value: 'onnx::Gemm_1', parameter: 'fc.weight', axes: [1, 0] },
  ]);
});

/** Two linear layers whose weights the exporter has transposed and renamed, in the given scopes. */
function renamedLayers(scopes: readonly string[], named: readonly string[] = []): Graph {
  const builder = new GraphBuilder('renamed', 17);
  let x = builder.input('x', 'float32', [2, 3]);
  for (const name of named) x = builder.op('Add', [x, builder.constant(name, constantOf(float32([3], [1, 2, 3])))]);
  for (const [i, scope] of scopes.entries()) {
    const weight = builder.constant(`onnx::MatMul_${i}`, constantOf(float32([3, 3], new Float32Array(9))));
    x = builder.scope(scope, () => builder.op('MatMul', [x, weight]));
  }
  builder.output(x, 'float32', [2, 3]);
  return builder.build();
}

const parameterNames = (graph: Graph) => nameMap(recoverParameters(graph)).map(({ parameter }) => parameter);

test('a wrapper that calls `decode` is in the names and not in the scopes', () => {
  const graph = renamedLayers(['mid.to_q', 'up.to_q'], ['m.mid.norm.bias', 'm.up.norm.bias']);
  expect(parameterNames(graph)).toEqual(['mid.norm.bias', 'up.norm.bias', 'mid.to_q.weight', 'up.to_q.weight']);
});

test('without any name kept, the wrapper shows in the scopes', () => {
  expect(parameterNames(renamedLayers(['m.mid.to_q', 'm.up.to_q']))).toEqual(['mid.to_q.weight', 'up.to_q.weight']);
});

test('a graph that knows its parameters is left as it is', async () => {
  const graph = recoverParameters(await unet());
  expect(recoverParameters(graph)).toBe(graph);
});

test('a bias that was converted and renamed is the one that its module adds to its product', () => {
  const builder = new GraphBuilder('half', 17);
  const x = builder.input('x', 'float32', [2, 3]);
  const weight = builder.constant('onnx::MatMul_1', constantOf(float32([3, 3], new Float32Array(9))));
  const bias = builder.constant('onnx::Add_2', constantOf(float32([3], [1, 2, 3])));
  const other = builder.constant('onnx::Add_3', constantOf(float32([3], [4, 5, 6])));
  const product = builder.scope('m.block.fc', () => builder.op('MatMul', [x, weight]));
  const sum = builder.scope('m.block.fc', () => builder.op('Add', [bias, product]));
  // What another module adds is no bias of `fc`.
  builder.output(
    builder.scope('m.block', () => builder.op('Add', [sum, other])),
    'float32',
    [2, 3],
  );
  expect(nameMap(recoverParameters(builder.build(), { prefix: 'm.' }))).toEqual([
    { value: 'onnx::MatMul_1', parameter: 'block.fc.weight', axes: [1, 0] },
    { value: 'onnx::Add_2', parameter: 'block.fc.bias', axes: [0] },
  ]);
});
