import { bytesOf, type Constant, constantOf, GraphBuilder, zeros } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { sessionModel } from '../src/session-model.js';

/** `y = x + w + v`, with an unused constant `u` beside them; all are `[size]`. */
function sums(size: number, constants: { w: Constant; v: Constant }) {
  const b = new GraphBuilder('sums');
  const x = b.input('x', 'float32', [size]);
  const unread = { ...constants.w, value: undefined, read: () => Promise.reject(new Error('read for nothing')) };
  b.constant('u', unread);
  const first = b.op('Add', [x, b.constant('w', constants.w)]);
  b.output(b.op('Add', [first, b.constant('v', constants.v)], {}, { name: 'y' }), 'float32', [size]);
  return b.build();
}

function inFile(path: string, size: number): Constant {
  const location = { file: path, path, offset: 8, byteLength: 4 * size };
  return { dtype: 'float32', shape: [size], location, read: async () => zeros('float32', [size]) };
}

const inMemory = (size: number): Constant => constantOf(zeros('float32', [size]));
const resolve = async (path: string) => path;

describe('sessionModel', () => {
  it('puts up to 1 KiB into the model, more into buffers, and reads no unused weight', async () => {
    const small = await sessionModel(sums(256, { w: inMemory(256), v: inFile('/m/a', 256) }), [], resolve, undefined);
    expect(small.options).toEqual({});
    expect(small.onnx.length).toBeGreaterThan(2048);
    const w = inMemory(257);
    const large = await sessionModel(sums(257, { w, v: inMemory(257) }), [], undefined, undefined);
    expect(large.options.externalData).toEqual([
      { path: 'memory-0', data: bytesOf(w.value!) },
      { path: 'memory-1', data: new Uint8Array(257 * 4) },
    ]);
    expect(large.onnx.length).toBeLessThan(1024);
  });

  it('refers to files below their common folder', async () => {
    const graph = sums(300, { w: inFile('/m/unet/a.safetensors', 300), v: inFile('/m/b.safetensors', 300) });
    const { onnx, options } = await sessionModel(graph, [], resolve, undefined);
    expect(options).toEqual({ extra: { session: { model_external_initializers_file_folder_path: '/m' } } });
    const text = new TextDecoder('latin1').decode(onnx);
    expect(text).toContain('unet/a.safetensors');
  });

  it('puts what is not to be found in a file into the model, since onnxruntime takes no buffers beside files', async () => {
    const graph = sums(300, { w: inFile('/m/a', 300), v: inFile('/m/b', 300) });
    const resolve = async (path: string) => (path === '/m/a' ? path : undefined);
    const { options, onnx } = await sessionModel(graph, [], resolve, undefined);
    expect(options.externalData).toBeUndefined();
    expect(onnx.length).toBeGreaterThan(1200);
    expect(options.extra).toEqual({ session: { model_external_initializers_file_folder_path: '/m' } });
  });

  it('makes inputs of variable constants, also of unused ones', async () => {
    const graph = sums(300, { w: inMemory(300), v: inMemory(300) });
    const { inputs, options } = await sessionModel(graph, ['u', 'w'], undefined, undefined);
    expect(inputs.map((input) => input.name)).toEqual(['x', 'u', 'w']);
    expect(options.externalData).toHaveLength(1);
  });

  it('refuses bfloat16 inputs and outputs', async () => {
    const b = new GraphBuilder('bfloat16');
    b.output(b.op('Relu', [b.input('x', 'bfloat16', [1])], {}, { name: 'y' }), 'float32', [1]);
    await expect(sessionModel(b.build(), [], undefined, undefined)).rejects.toMatchObject({
      code: 'UNKNOWN_DTYPE',
      field: 'x',
    });
  });
});
