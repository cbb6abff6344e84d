import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, type Constant, float32, type Graph, GraphBuilder, int64, type Tensor } from '@secateur/graph';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeEngine, webEngineInNode } from '../src/node.js';

const w = float32(
  [32, 32],
  Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i)),
);
const x = float32(
  [1, 32],
  Float32Array.from({ length: 32 }, (_, i) => i / 32),
);
/** `y = x·w`, summed in the order onnxruntime need not keep: hence the tolerance in {@link expectProduct}. */
const product = Float32Array.from({ length: 32 }, (_, j) => {
  let sum = 0;
  for (let k = 0; k < 32; k++) sum += (x.data[k] as number) * (w.data[32 * k + j] as number);
  return sum;
});

function linear(constant: Constant): Graph {
  const b = new GraphBuilder('linear');
  const input = b.input('x', 'float32', [1, 32]);
  b.output(b.op('MatMul', [input, b.constant('w', constant)], {}, { name: 'y' }), 'float32', [1, 32]);
  return b.build();
}

function expectProduct(y: Tensor): void {
  product.forEach((value, j) => {
    expect(y.data[j]).toBeCloseTo(value, 5);
  });
}

describe('nodeEngine', () => {
  let folder: string;
  // 13: nothing says that a tensor in a .safetensors file is aligned.
  const offset = 13;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secateur-'));
    await writeFile(join(folder, 'weights.bin'), Buffer.concat([Buffer.alloc(offset), bytesOf(w)]));
    await symlink(join(folder, 'weights.bin'), join(folder, 'link.bin'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  function inFile(path: string): Constant {
    return {
      dtype: 'float32',
      shape: [32, 32],
      location: { file: path, path, offset, byteLength: 4096 },
      read: () => Promise.reject(new Error('read although the bytes lie in a file')),
    };
  }

  it('maps weights from the file they lie in, also through a symlink', async () => {
    const engine = await nodeEngine();
    for (const name of ['weights.bin', 'link.bin']) {
      const executable = await engine.compile(linear(inFile(join(folder, name))));
      expectProduct((await executable.run({ x })).y);
      await executable.dispose();
    }
  });

  it('reads weights whose file is gone, and those without a path', async () => {
    const engine = await nodeEngine();
    const gone = { ...inFile(join(folder, 'gone.bin')), read: async () => w };
    const blob = { ...gone, location: { file: 'weights.bin', offset: 0, byteLength: 4096 } };
    for (const constant of [gone, blob]) {
      const executable = await engine.compile(linear(constant));
      expectProduct((await executable.run({ x })).y);
      await executable.dispose();
    }
  });

  it('leaves files alone when the engine is onnxruntime-web', async () => {
    const engine = await webEngineInNode();
    const executable = await engine.compile(linear({ ...inFile(join(folder, 'weights.bin')), read: async () => w }));
    expectProduct((await executable.run({ x })).y);
    await executable.dispose();
  });

  it('gives the same bytes with a given number of threads', async () => {
    const runs = [];
    for (let i = 0; i < 2; i++) {
      const engine = await nodeEngine({ threads: 2 });
      const executable = await engine.compile(linear(inFile(join(folder, 'weights.bin'))));
      runs.push((await executable.run({ x })).y.data);
      await executable.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it('describes library, provider and threads', async () => {
    expect(await (await nodeEngine({ threads: 2 })).describe()).toMatch(
      /^onnxruntime-node \d+\.\d+\.\d+, cpu, 2 threads$/,
    );
    expect(await (await nodeEngine()).describe()).toMatch(/cpu, default threads$/);
    expect(await (await webEngineInNode()).describe()).toMatch(/^onnxruntime-web \d+\.\d+\.\d+, wasm, 1 thread$/);
  });

  it('takes an injected module', async () => {
    const engine = await nodeEngine({ ort });
    expect(engine.name).toBe('ort');
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s threads', async (threads) => {
    await expect(nodeEngine({ threads })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'threads' });
    const engine = await nodeEngine();
    await expect(engine.compile(linear(inFile('')), { threads })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it("passes on onnxruntime's words and the node", async () => {
    const engine = await nodeEngine();
    const b = new GraphBuilder('bad');
    const input = b.input('x', 'float32', [2, 3]);
    b.output(b.op('Conv', [input, input], {}, { name: 'conv_in' }), 'float32', [2, 3]);
    await expect(engine.compile(b.build())).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      field: 'conv_in',
      message: expect.stringContaining('must have at least 3 dimensions'),
    });
  });

  it('names the node that fails in a run', async () => {
    const engine = await nodeEngine();
    const b = new GraphBuilder('bad');
    const input = b.input('x', 'float32', [1, 32]);
    const shape = b.input('shape', 'int64', [2]);
    b.output(b.op('Reshape', [input, shape], {}, { name: 'reshape' }), 'float32', [1, 32]);
    const executable = await engine.compile(b.build());
    await expect(executable.run({ x, shape: int64([5, 5]) })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      field: 'reshape',
    });
    await executable.dispose();
  });
});
