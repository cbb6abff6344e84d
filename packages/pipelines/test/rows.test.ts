import { float32, GraphBuilder, int64, symbol, toNumbers } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { firstChannels, joinRows, joinTokens, joinWidths, pickRows, runRows } from '../src/rows.js';
import { fakeEngine } from './fake-model.js';

/** `a [batch, 2] + b [batch, 1] + c []`. */
async function setUp(batch: number | ReturnType<typeof symbol> = symbol('batch')) {
  const builder = new GraphBuilder('sum');
  const a = builder.input('a', 'float32', [batch, 2]);
  const b = builder.input('b', 'float32', [batch, 1]);
  const c = builder.input('c', 'float32', []);
  builder.output(builder.op('Add', [builder.op('Add', [a, b]), c]), 'float32', [batch, 2], 'out');
  const graph = builder.build();
  const engine = fakeEngine();
  return { engine, inputs: graph.inputs, executable: await engine.compile(graph) };
}

const a = float32([3, 2], [1, 2, 3, 4, 5, 6]);
const b = int64([10, 20, 30], [3, 1]);
const others = () => ({ c: float32([], [100]) });
const expected = float32([3, 2], [111, 112, 123, 124, 135, 136]);

describe('runRows', () => {
  it('runs in batches, converts types, and joins the answers', async () => {
    const { engine, inputs, executable } = await setUp();
    const results = await runRows(executable, inputs, { a, b }, { batchSize: 2, outputs: ['out'], others });
    expect(results).toEqual({ out: expected });
    expect(engine.fed.map((feeds) => feeds.a.shape)).toEqual([
      [2, 2],
      [1, 2],
    ]);
  });

  it('fills up a fixed batch and cuts the answer', async () => {
    const { engine, inputs, executable } = await setUp(2);
    const results = await runRows(executable, inputs, { a, b }, { batchSize: 8, outputs: ['out'], others });
    expect(results).toEqual({ out: expected });
    expect(toNumbers(engine.fed[1].a)).toEqual([5, 6, 0, 0]);
  });
});

it('joins and picks rows', () => {
  expect(joinRows([a, float32([1, 2], [7, 8])])).toEqual(float32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
  expect(() => joinRows([a, float32([1, 3], [7, 8, 9])])).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  expect(pickRows(b, [2, 0, 2])).toEqual(int64([30, 10, 30], [3, 1]));
});

it('takes the first channels of each sample', () => {
  const tensor = float32([2, 3, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(firstChannels(tensor, 2)).toEqual(float32([2, 2, 1, 2], [0, 1, 2, 3, 6, 7, 8, 9]));
  expect(firstChannels(tensor, 3)).toBe(tensor);
});

it('puts tokens one behind the other, row by row', () => {
  const joined = joinTokens(float32([2, 1, 2], [1, 2, 3, 4]), float32([2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12]));
  expect(joined).toEqual(float32([2, 3, 2], [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12]));
});

it('puts tensors side by side', () => {
  const joined = joinWidths([float32([1, 2, 2], [1, 2, 3, 4]), float32([1, 2, 1], [9, 8])]);
  expect(joined).toEqual(float32([1, 2, 3], [1, 2, 9, 3, 4, 8]));
});
