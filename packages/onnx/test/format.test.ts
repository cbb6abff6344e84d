import { memoryFolder, memoryOutput, sha256 } from '@secateur/core';
import { type Graph, GraphBuilder, symbol } from '@secateur/graph';
import { expect, test } from 'vitest';
import { encodeOnnx, onnxFormat } from '../src/index.js';
import { sourceOf, unetSource } from './fixture.js';

const small = (input = 'batch'): Promise<Uint8Array> => {
  const builder = new GraphBuilder('small', 18);
  const x = builder.input('x', 'float32', [symbol(input), 4, symbol('h'), symbol('w')]);
  builder.output(builder.op('Identity', [x], {}, { name: 'y' }), 'float32', [
    symbol(input),
    4,
    symbol('h'),
    symbol('w'),
  ]);
  return encodeOnnx(builder.build());
};

const inputShape = (graph: Graph) => graph.inputs[0].shape;

test('detects a file by name and first byte, a folder by what it holds', async () => {
  const bytes = await small();
  expect(await onnxFormat.detect({ file: unetSource() })).toBe(true);
  expect(await onnxFormat.detect({ file: sourceOf(bytes, 'model.safetensors') })).toBe(false);
  expect(await onnxFormat.detect({ file: sourceOf(new Uint8Array(100), 'zeros.onnx') })).toBe(false);
  expect(await onnxFormat.detect({ file: sourceOf(new Uint8Array(0), 'empty.onnx') })).toBe(false);
  expect(await onnxFormat.detect({ folder: memoryFolder({ 'unet.onnx': bytes, 'config.json': bytes }) })).toBe(true);
  expect(await onnxFormat.detect({ folder: memoryFolder({ 'a.onnx': bytes, 'b.onnx': bytes }) })).toBe(false);
  expect(await onnxFormat.detect({ folder: memoryFolder({ 'a.onnx': bytes, 'model.onnx': bytes }) })).toBe(true);
  expect(await onnxFormat.detect({ folder: memoryFolder({ 'unet/model.onnx': bytes }) })).toBe(false);
});

test('a model has a name, sizes for its symbols, and the hashes of its files', async () => {
  const bytes = await small();
  const model = await onnxFormat.load({ folder: memoryFolder({ 'unet.onnx': bytes }) });
  expect(model).toMatchObject({ name: 'unet', format: 'onnx', sizes: { h: 64, w: 64 } });
  expect(await model.files()).toEqual([{ name: 'unet.onnx', sha256: await sha256(bytes) }]);
});

test('the first dimension of the first input is called batch', async () => {
  const model = await onnxFormat.load({ file: sourceOf(await small('batch_size')) });
  expect(inputShape(model.graph)[0]).toEqual(symbol('batch'));
  expect(model.graph.outputs[0].shape[0]).toEqual(symbol('batch'));
});

test('what it saves it loads', async () => {
  const model = await onnxFormat.load({ file: sourceOf(await small()) });
  const out = memoryOutput();
  expect(await onnxFormat.save(model, out)).toEqual(['model.onnx']);
  await out.commit();
  const again = await onnxFormat.load({ folder: memoryFolder(Object.fromEntries(out.files)) });
  expect(again.graph.nodes).toEqual(model.graph.nodes);
  expect(again.graph.inputs).toEqual(model.graph.inputs);
});

test('a folder without a model is refused', async () => {
  await expect(onnxFormat.load({ folder: memoryFolder({}) })).rejects.toMatchObject({ code: 'BAD_FILE' });
});
