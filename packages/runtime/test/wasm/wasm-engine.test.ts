import type { CompileOptions, Engine } from '@secateur/core';
import { evaluateGraph, type Graph, int, ints, string, symbol, toFloat32 } from '@secateur/graph';
import { relativeError } from '@secateur/testkit';
import { describe, expect, it, vi } from 'vitest';
import { nodeEngine, wasmEngineInNode } from '../../src/node.js';
import type { WasmOptions } from '../../src/wasm/wasm-engine.js';
import { Sketch, wave } from './cases.js';

/** Two 3x3 convolutions of any number of pictures. */
function network(channels = 8): Graph {
  const b = new Sketch('network', 18);
  let x = b.input('x', 'float32', [symbol('batch'), channels, symbol('height'), symbol('width')]);
  for (const name of ['first', 'second']) {
    const inputs = [x, b.weight(`${name}.weight`, [channels, channels, 3, 3]), b.weight(`${name}.bias`, [channels])];
    x = b.op('Conv', inputs, { pads: ints([1, 1, 1, 1]) });
  }
  b.output(x, 'float32', [symbol('batch'), channels, symbol('height'), symbol('width')], 'y');
  return b.build();
}

async function compiled(options: WasmOptions, graph: Graph = network(), compile: CompileOptions = {}) {
  return (await wasmEngineInNode(options)).compile(graph, compile);
}

const feeds = { x: wave([2, 8, 16, 16]) };
const expected = toFloat32(evaluateGraph(network(), feeds).y!);

describe('engine wasm', () => {
  it.each<[string, WasmOptions]>([
    ['fast', {}],
    ['small', { memory: 'small' }],
    ['tuned', { tune: true }],
    ['tuned and small', { tune: true, memory: 'small' }],
    ['relaxed where the machine has it', { relaxed: true }],
  ])('computes the same: %s', async (_, options) => {
    const executable = await compiled(options);
    const { y } = await executable.run(feeds);
    expect(relativeError(toFloat32(y!), expected)).toBeLessThan(1e-5);
  });

  it('keeps less for weights when memory is to be small', async () => {
    const [fast, small] = [await compiled({}), await compiled({ memory: 'small' })];
    for (const executable of [fast, small]) await executable.run(feeds);
    expect(small.memory().layerBytes).toBeLessThan(fast.memory().layerBytes / 2);
    expect(small.memory().activationBytes).toBeGreaterThan(4 * 2 * 8 * 16 * 16);
  });

  it('says what it holds once it has run', async () => {
    const engine = await wasmEngineInNode({ memory: 'small' });
    expect(await engine.describe()).toBe('sparse-wasm, SIMD, memory small, 1 thread');
    const executable = await engine.compile(network());
    await executable.run(feeds);
    expect(await engine.describe()).toMatch(/1 thread, 0\.\d MB activations, 0\.\d MB packed weights$/);
    await executable.dispose();
    expect(await engine.describe()).not.toContain('MB');
  });

  it('keeps two sets of shapes, and lets the one go that was not used for longest', async () => {
    const executable = await compiled({});
    const held = async (size: number) => {
      await executable.run({ x: wave([1, 8, size, size]) });
      return executable.memory().layerBytes;
    };
    const one = await held(16);
    const two = await held(24);
    expect(two).toBeGreaterThan(1.5 * one);
    expect(await held(16)).toBe(two);
    expect(await held(32)).toBeLessThan(1.2 * two);
  });

  it('remembers choices in a map of the caller', async () => {
    const tune = new Map();
    await (await compiled({ tune })).run(feeds);
    expect(tune.size).toBe(1);
    const [key] = tune.keys();
    tune.set(key, { mr: 4, algorithm: 'direct' });
    const executable = await compiled({ tune });
    const small = await compiled({ memory: 'small' });
    for (const each of [executable, small]) await each.run(feeds);
    expect(executable.memory().layerBytes).toBe(small.memory().layerBytes);
  });

  it('refuses an option it does not know', async () => {
    await expect(wasmEngineInNode({ memory: 'tiny' as 'small' })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('names the weight of a layer that is not finite', async () => {
    const graph = network();
    const weight = graph.constants.get('second.weight')!;
    const broken = Float32Array.from(toFloat32(await weight.read()));
    broken[5] = Number.NaN;
    const value = { dtype: 'float32', shape: weight.shape, data: broken } as const;
    const constants = new Map(graph.constants).set('second.weight', { ...weight, value, read: async () => value });
    const executable = await compiled({}, { ...graph, constants });
    await expect(executable.run(feeds)).rejects.toMatchObject({
      code: 'BAD_DATA',
      field: expect.stringContaining('Conv'),
    });
  });
});

describe('fallback', () => {
  function withLogSoftmax(): Graph {
    const b = new Sketch('log-softmax', 18);
    const x = b.input('x', 'float32', [symbol('batch'), 8]);
    const y = b.op('LogSoftmax', [b.op('Tanh', [x])], { axis: int(1) });
    b.output(b.op('Mul', [y, b.op('Sigmoid', [y])]), 'float32', [symbol('batch'), 8], 'y');
    return b.build();
  }

  it('refuses what it lacks, and says what it has and what to do', async () => {
    await expect(compiled({}, withLogSoftmax())).rejects.toMatchObject({
      code: 'UNKNOWN_OP',
      message: expect.stringMatching(/lacks LogSoftmax \(first at ".*"\)\. It has .*Conv, /),
      hint: expect.stringContaining('fallback'),
    });
  });

  it('runs it on another engine where the caller allows that', async () => {
    const fallback: Engine = await nodeEngine({ threads: 1 });
    const compile = vi.spyOn(fallback, 'compile');
    const graph = withLogSoftmax();
    const executable = await compiled({ fallback }, graph);
    for (const batch of [1, 3]) {
      const given = { x: wave([batch, 8]) };
      const { y } = await executable.run(given);
      expect(relativeError(toFloat32(y!), toFloat32(evaluateGraph(graph, given).y!))).toBeLessThan(1e-5);
    }
    expect(compile.mock.calls.map(([{ nodes }]) => nodes.map(({ op }) => op))).toEqual([
      ['LogSoftmax'],
      ['LogSoftmax'],
    ]);
    await executable.dispose();
  });

  it('still refuses what nobody knows the shape of', async () => {
    const b = new Sketch('unknown', 18);
    const x = b.input('x', 'float32', [2]);
    b.output(b.op('Frobnicate', [x], { mode: string('a') }), 'float32', [2], 'y');
    const fallback = await nodeEngine({ threads: 1 });
    await expect(compiled({ fallback }, b.build())).rejects.toMatchObject({ code: 'UNKNOWN_OP' });
  });
});

describe('packs', () => {
  it('are stored once, and spare reading the weights', async () => {
    const stored = new Map<string, Uint8Array>();
    const packs = {
      get: (name: string) => stored.get(name),
      set: (name: string, bytes: Uint8Array) => void stored.set(name, bytes),
    };
    // Of 16 channels: constants up to 1024 elements are read in any case.
    const graph = network(16);
    const wide = { x: wave([1, 16, 8, 8]) };
    const first = await (await compiled({ packs }, graph)).run(wide);
    expect([...stored.keys()]).toEqual(['first.weight', 'second.weight']);
    const read = vi.fn(() => Promise.reject(new Error('not to be read')));
    const constants = new Map(graph.constants);
    for (const name of stored.keys()) {
      const { dtype, shape } = constants.get(name)!;
      constants.set(name, { dtype, shape, read });
    }
    const again = await (await compiled({ packs: { get: packs.get } }, { ...graph, constants })).run(wide);
    expect(again.y!.data).toEqual(first.y!.data);
    expect(read).not.toHaveBeenCalled();
  });

  it('are refused when damaged, or of another shape', async () => {
    const stored = new Map<string, Uint8Array>();
    await (await compiled({ packs: { get: () => undefined, set: (name, bytes) => void stored.set(name, bytes) } })).run(
      feeds,
    );
    const bytes = stored.get('first.weight')!;
    const damaged = await compiled({ packs: { get: () => bytes.subarray(0, 40) } });
    await expect(damaged.run(feeds)).rejects.toMatchObject({ code: 'BAD_FILE', field: 'first.weight' });
    const b = new Sketch('other', 18);
    const x = b.input('x', 'float32', [2, 8, 16, 16]);
    b.output(b.op('Conv', [x, b.weight('w', [12, 8, 1, 1])]), 'float32', [2, 12, 16, 16], 'y');
    const other = await compiled({ packs: { get: () => bytes } }, b.build());
    await expect(other.run(feeds)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('[8, 8, 3, 3]'),
    });
  });
});
