import {
  allocate,
  castTensor,
  constantOf,
  type DType,
  evaluateGraph,
  float32,
  type Graph,
  GraphBuilder,
  int,
  symbol,
  type Tensor,
  toFloat32,
} from '@secateur/graph';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { CompileOptions, Engine, Executable } from '../engine.js';
import { engineCases, linearGraph, oneNode, twoOutputGraph, wave } from './engine-graphs.js';
import { rejects, type SuiteSkip, type SuiteTest, testUnless } from './suite.js';

export interface EngineSuiteOptions {
  readonly skip?: readonly SuiteSkip[];
}

const DTYPES: readonly DType[] = [
  'float32',
  'float16',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
];

/** What every engine must do, as a vitest suite. Call it in a test file: `testEngine(() => nodeEngine())`. */
export function testEngine(makeEngine: () => Engine | Promise<Engine>, { skip = [] }: EngineSuiteOptions = {}): void {
  const test = testUnless(skip);
  let engine: Engine;
  const made: Executable[] = [];
  const compile = async (graph: Graph, options?: CompileOptions): Promise<Executable> => {
    const executable = await engine.compile(graph, options);
    made.push(executable);
    return executable;
  };

  describe('conformance: engine', () => {
    beforeAll(async () => {
      engine = await makeEngine();
    });
    afterAll(async () => {
      for (const executable of made) await executable.dispose();
    });

    test('says what it is', async () => {
      expect(engine.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(engine.apiVersion).toBe(1);
      expect(await engine.describe()).not.toBe('');
    });

    testValues(test, compile);
    testFeeds(test, compile);
    testLife(test, compile);
  });
}

type Compile = (graph: Graph, options?: CompileOptions) => Promise<Executable>;

/** Results are right, whatever the dtype, the batch and where the constants are. */
function testValues(test: SuiteTest, compile: Compile): void {
  for (const dtype of DTYPES) {
    test(`passes ${dtype} in and out`, async () => {
      const executable = await compile(oneNode('Identity', {}, { dtype }));
      const x = castTensor(float32([3], [1, 0, 1]), dtype);
      const { y } = await executable.run({ x });
      expect(y).toEqual(x);
      expect(y!.data).not.toBe(x.data);
    });
  }

  for (const { name, graph, feeds } of engineCases()) {
    test(`computes ${name}`, async () => {
      const executable = await compile(graph);
      const { y } = await executable.run(feeds);
      expectClose(y!, evaluateGraph(graph, feeds).y!);
    });
  }

  test('takes another batch every run', async () => {
    const executable = await compile(linearGraph());
    for (const batch of [1, 3, 2]) {
      const feeds = { x: wave([batch, 16]) };
      const { y } = await executable.run(feeds);
      expect(y!.shape).toEqual([batch, 24]);
      expectClose(y!, evaluateGraph(linearGraph(), feeds).y!);
    }
  });

  test('gives the same bytes for the same feeds', async () => {
    const { graph, feeds } = engineCases().find(({ name }) => name === 'residual block')!;
    const first = await (await compile(graph)).run(feeds);
    const again = await compile(graph);
    for (let i = 0; i < 2; i++) expect((await again.run(feeds)).y!.data).toEqual(first.y!.data);
  });

  test('reads constants that are not in memory', async () => {
    const graph = linearGraph();
    const w = graph.constants.get('w')!.value!;
    const lazy = { dtype: w.dtype, shape: w.shape, read: async () => w };
    const executable = await compile({ ...graph, constants: new Map([['w', lazy]]) });
    const feeds = { x: wave([2, 16]) };
    expectClose((await executable.run(feeds)).y!, evaluateGraph(graph, feeds).y!);
  });

  test('reads bfloat16 constants', async () => {
    const b = new GraphBuilder('bfloat16');
    const x = b.input('x', 'float32', [2]);
    const w = b.constant('w', constantOf(castTensor(float32([2], [1.5, -2]), 'bfloat16')));
    b.output(b.op('Add', [x, b.op('Cast', [w], { to: int(1) })], {}, { name: 'y' }), 'float32', [2]);
    const { y } = await (await compile(b.build())).run({ x: float32([2], [1, 1]) });
    expect([...toFloat32(y!)]).toEqual([2.5, -1]);
  });

  test('takes variable constants from the feeds', async () => {
    const executable = await compile(linearGraph(), { variable: ['w'] });
    expect(executable.inputs).toEqual(['x', 'w']);
    for (const phase of [2, 3]) {
      const feeds = { x: wave([2, 16]), w: wave([16, 24], phase) };
      expectClose((await executable.run(feeds)).y!, evaluateGraph(linearGraph(), feeds).y!);
    }
    await rejects(executable.run({ x: wave([2, 16]) }), 'BAD_OPTION', /"w"/);
    await rejects(compile(linearGraph(), { variable: ['v'] }), 'BAD_OPTION', /"v"/);
  });
}

/** What does not fit is refused with a message that says what and why. */
function testFeeds(test: SuiteTest, compile: Compile): void {
  test('refuses wrong feeds', async () => {
    const executable = await compile(linearGraph());
    const x = wave([2, 16]);
    await rejects(executable.run({}), 'BAD_OPTION', /"x"/);
    await rejects(executable.run({ x, z: x }), 'BAD_OPTION', /"z"/);
    await rejects(executable.run({ x: castTensor(x, 'float64') }), 'BAD_DATA', /"x" is float32; fed float64/);
    await rejects(executable.run({ x: wave([2, 15]) }), 'SHAPE_MISMATCH', /\[batch, 16\].*\[2, 15\]/);
    await rejects(executable.run({ x: wave([32]) }), 'SHAPE_MISMATCH', /\[batch, 16\].*\[32\]/);
    await rejects(executable.run({ x: { ...x, data: x.data.slice(1) } }), 'SHAPE_MISMATCH', /31.*32/);
    expect((await executable.run({ x })).y!.shape).toEqual([2, 24]);
  });

  test('refuses one symbol of two sizes', async () => {
    const executable = await compile(twoOutputGraph());
    await rejects(executable.run({ a: wave([3]), b: wave([1]) }), 'SHAPE_MISMATCH', /n is 3/);
  });

  test('gives the outputs asked for', async () => {
    const executable = await compile(twoOutputGraph());
    expect(executable.outputs).toEqual(['sum', 'product']);
    const feeds = { a: float32([2], [1, 2]), b: float32([2], [3, 4]) };
    expect(await executable.run(feeds, { outputs: ['product'] })).toEqual({ product: float32([2], [3, 8]) });
    await rejects(executable.run(feeds, { outputs: ['quotient'] }), 'BAD_OPTION', /"quotient".*sum, product/);
  });

  test('writes into preallocated outputs', async () => {
    const executable = await compile(twoOutputGraph());
    const feeds = { a: float32([2], [1, 2]), b: float32([2], [3, 4]) };
    const sum = float32([2], [0, 0]);
    const results = await executable.run(feeds, { into: { sum } });
    expect(results.sum).toBe(sum);
    expect([...sum.data]).toEqual([4, 6]);
    expect(results.product).toEqual(float32([2], [3, 8]));
    await rejects(
      executable.run(feeds, { into: { sum: float32([3], [0, 0, 0]) } }),
      'SHAPE_MISMATCH',
      /"sum" is \[2\].*\[3\]/,
    );
    await rejects(executable.run(feeds, { into: { sum: castTensor(sum, 'int32') } }), 'BAD_DATA', /float32.*int32/);
  });

  test('refuses an unknown operator by name', async () => {
    await rejects(compile(oneNode('Frobnicate')), 'UNKNOWN_OP', /Frobnicate/);
  });

  test('lists all unknown operators', async () => {
    const b = new GraphBuilder('unknown');
    const x = b.input('x', 'float32', [2]);
    const made = b.op('Defenestrate', [b.op('Relu', [b.op('Frobnicate', [x])])]);
    b.output(made, 'float32', [2]);
    await rejects(compile(b.build()), 'UNKNOWN_OP', /Defenestrate, Frobnicate/);
  });
}

/** Feeds and results belong to the caller; runs queue; cancelling and disposing end it cleanly. */
function testLife(test: SuiteTest, compile: Compile): void {
  test('leaves feeds and earlier results alone', async () => {
    const executable = await compile(linearGraph());
    const x = wave([2, 16]);
    const before = x.data.slice();
    const first = (await executable.run({ x })).y!;
    const copy = first.data.slice();
    await executable.run({ x: wave([2, 16], 5) });
    expect(first.data).toEqual(copy);
    expect(x.data).toEqual(before);
    (first.data as Float32Array).fill(0);
    expect((await executable.run({ x })).y!.data).toEqual(copy);
  });

  test('answers runs started together as if one by one', async () => {
    const executable = await compile(linearGraph());
    const feeds = [1, 2, 3, 4].map((batch) => ({ x: wave([batch, 16], batch) }));
    const results = await Promise.all(feeds.map((feed) => executable.run(feed)));
    for (const [i, { y }] of results.entries()) expectClose(y!, evaluateGraph(linearGraph(), feeds[i]!).y!);
  });

  test('stops when cancelled, and runs again', async () => {
    const executable = await compile(linearGraph());
    const x = wave([2, 16]);
    const gone = AbortSignal.abort();
    await rejects(executable.run({ x }, { signal: gone }), 'ABORTED');
    await rejects(compile(linearGraph(), { signal: gone }), 'ABORTED');
    const control = new AbortController();
    const running = executable.run({ x });
    const waiting = executable.run({ x }, { signal: control.signal });
    control.abort();
    await Promise.all([running, rejects(waiting, 'ABORTED')]);
    expect((await executable.run({ x })).y!.shape).toEqual([2, 24]);
  });

  test('is disposed once, after the runs under way', async () => {
    const executable = await compile(linearGraph());
    const running = executable.run({ x: wave([2, 16]) });
    await Promise.all([executable.dispose(), executable.dispose()]);
    expect((await running).y!.shape).toEqual([2, 24]);
    await rejects(executable.run({ x: wave([2, 16]) }), 'ENGINE_FAILED', /disposed/);
  });

  test('passes empty tensors', async () => {
    const executable = await compile(oneNode('Relu', {}, { shape: [symbol('n'), 3] }));
    const empty: Tensor = { dtype: 'float32', shape: [0, 3], data: allocate('float32', 0) };
    expect(await executable.run({ x: empty })).toEqual({ y: empty });
  });
}

/** Within 1e-5 of the largest expected value: float32 sums of some hundred terms in another order. */
function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const a = toFloat32(actual);
  const b = toFloat32(expected);
  let error = 0;
  let scale = 0;
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  expect(error / scale, 'max|a-b| / max|b|').toBeLessThan(1e-5);
}
