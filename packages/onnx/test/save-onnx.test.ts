import { memoryFolder, memoryOutput } from '@secateur/core';
import {
  bytesOf,
  constantOf,
  evaluateGraph,
  float32,
  type Graph,
  GraphBuilder,
  parameterNamed,
  type Tensor,
} from '@secateur/graph';
import { expect, test } from 'vitest';
import { canonicalize, convertWeights, decodeOnnx, recoverParameters, saveOnnx } from '../src/index.js';
import { transposed } from '../src/views.js';
import { readSafetensors, sourceOf, unet } from './fixture.js';

async function saved(graph: Graph, options: Parameters<typeof saveOnnx>[2]) {
  const out = memoryOutput();
  const written = await saveOnnx(graph, out, options);
  expect(out.files.size).toBe(0);
  await out.commit();
  expect([...out.files.keys()].sort()).toEqual([...written].sort());
  return out.files;
}

async function expectSameConstants(actual: Graph, expected: Graph): Promise<void> {
  for (const [name, constant] of expected.constants) {
    const other = actual.constants.get(name)!;
    expect(other.parameter, name).toEqual(constant.parameter);
    expect(Buffer.compare(bytesOf(await other.read()), bytesOf(await constant.read())), name).toBe(0);
  }
}

test('inline: one file that reads back the same', async () => {
  const graph = recoverParameters(await unet());
  const files = await saved(graph, { external: 'inline' });
  const again = await decodeOnnx(sourceOf(files.get('model.onnx')!));
  expect(again.nodes).toEqual(graph.nodes);
  await expectSameConstants(again, graph);
});

test('data: weights beside the model, aligned, read back the same', async () => {
  const graph = recoverParameters(await unet());
  const progress: [number, number][] = [];
  const files = await saved(graph, {
    name: 'unet/tiny.onnx',
    external: 'data',
    onProgress: (done, total) => progress.push([done, total]),
  });
  expect([...files.keys()]).toEqual(['unet/tiny.onnx.data', 'unet/tiny.onnx']);
  const model = files.get('unet/tiny.onnx')!;
  const data = files.get('unet/tiny.onnx.data')!;
  expect(model.byteLength).toBeLessThan(data.byteLength / 3);
  const again = await decodeOnnx(sourceOf(model), memoryFolder({ 'tiny.onnx.data': data }));
  for (const { location, parameter } of again.constants.values()) {
    if (parameter && location?.file === 'tiny.onnx.data') expect(location.offset % 4096).toBe(0);
  }
  await expectSameConstants(again, graph);
  expect(progress.at(-1)).toEqual([model.byteLength + data.byteLength, model.byteLength + data.byteLength]);
  for (let i = 1; i < progress.length; i++) expect(progress[i][0]).toBeGreaterThanOrEqual(progress[i - 1][0]);
});

/** A checkpoint file: tensors one behind the other. */
function checkpointOf(tensors: ReadonlyMap<string, Tensor>) {
  const ranges = new Map<string, { offset: number; length: number }>();
  let size = 0;
  for (const [name, value] of tensors) {
    ranges.set(name, { offset: size, length: value.data.byteLength });
    size += value.data.byteLength;
  }
  const bytes = new Uint8Array(size);
  for (const [name, value] of tensors) bytes.set(bytesOf(value), ranges.get(name)!.offset);
  return { bytes, locate: (name: string) => ranges.get(name) };
}

test('checkpoint: the model points into it and holds no parameter of its own', async () => {
  const graph = recoverParameters(await unet());
  const { bytes, locate } = checkpointOf(readSafetensors('unet2d-tiny/diffusion_pytorch_model.safetensors'));
  const files = await saved(graph, { external: { file: 'weights.safetensors', locate } });
  const model = files.get('model.onnx')!;
  // The parameters alone are 709,708 bytes.
  expect(model.byteLength).toBeLessThan(200_000);
  const again = await decodeOnnx(sourceOf(model), memoryFolder({ 'weights.safetensors': bytes }));
  const stored = [...again.constants.values()].filter((constant) => constant.parameter);
  expect(stored).toHaveLength(144);
  for (const { location } of stored) expect(location!.file).toBe('weights.safetensors');
  expect(
    again.nodes.filter((node) => node.op === 'Transpose').length -
      graph.nodes.filter((node) => node.op === 'Transpose').length,
  ).toBe(16);
  expect(again.constants.get('down_blocks.1.attentions.0.to_q.weight')!.parameter!.axes).toEqual([0, 1]);
});

test('a located range of another length is refused', async () => {
  const graph = recoverParameters(await unet());
  const external = { file: 'w', locate: () => ({ offset: 0, length: 1 }) };
  await expect(saveOnnx(graph, memoryOutput(), { external })).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});

function linear(): Graph {
  const builder = new GraphBuilder('linear', 18);
  const x = builder.input('x', 'float32', [2, 10]);
  const values = Float32Array.from({ length: 80 }, (_, i) => i / 8 - 5);
  const weight = constantOf(float32([8, 10], values), parameterNamed('fc.weight', [8, 10]));
  const w = builder.constant('fc.weight.T', transposed(weight, [1, 0]));
  builder.output(builder.op('MatMul', [x, w], {}, { name: 'y' }), 'float32', [2, 8]);
  return builder.build();
}

test('pointing into a checkpoint and reading back computes the same', async () => {
  const graph = linear();
  const original = transposed(graph.constants.get('fc.weight.T')!, [1, 0]);
  const { bytes, locate } = checkpointOf(new Map([['fc.weight', original.value!]]));
  const files = await saved(graph, { external: { file: 'w.safetensors', locate } });
  const again = canonicalize(
    await decodeOnnx(sourceOf(files.get('model.onnx')!), memoryFolder({ 'w.safetensors': bytes })),
  );
  expect(again.nodes.map((node) => node.op)).toEqual(['MatMul']);
  expect(again.constants.get('fc.weight.T')!.parameter).toEqual(graph.constants.get('fc.weight.T')!.parameter);
  const x = float32(
    [2, 10],
    Float32Array.from({ length: 20 }, (_, i) => Math.cos(i)),
  );
  expect(evaluateGraph(again, { x })).toEqual(evaluateGraph(graph, { x }));
});

test('half-precision weights: half the bytes, the same arithmetic', async () => {
  const graph = linear();
  const half = convertWeights(graph, 'float16');
  expect(half.nodes.map((node) => node.op)).toEqual(['Cast', 'MatMul']);
  const files = await saved(half, {});
  const again = await decodeOnnx(sourceOf(files.get('model.onnx')!));
  const [stored] = [...again.constants.values()];
  expect([stored.dtype, stored.parameter]).toEqual(['float16', graph.constants.get('fc.weight.T')!.parameter]);
  // All weights are multiples of 1/8 below 8: exact in float16.
  const x = float32(
    [2, 10],
    Float32Array.from({ length: 20 }, (_, i) => Math.cos(i)),
  );
  expect(evaluateGraph(again, { x })).toEqual(evaluateGraph(graph, { x }));
});

test('stops when aborted', async () => {
  const graph = linear();
  for (const external of ['inline', 'data'] as const) {
    const saving = saveOnnx(graph, memoryOutput(), { external, signal: AbortSignal.abort() });
    await expect(saving).rejects.toMatchObject({ code: 'ABORTED' });
  }
});
