import { referenceEngine } from '@secateur/core/conformance';
import { int64, toFloat32 } from '@secateur/graph';
import { expectClose, seededTensor } from '@secateur/testkit';
import { train, type Values, withLora } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { withValues } from '../src/parameters.js';
import { tinyDenoiser, tinyOptions } from './support/tiny-denoiser.js';

const model = tinyDenoiser();
const feeds = { sample: seededTensor(5, [2, 2, 2, 2]), timestep: int64([10, 500]) };
const outOf = async (graph: typeof model.graph) =>
  toFloat32((await (await referenceEngine().compile(graph)).run(feeds)).out);

describe('withLora', () => {
  it('changes nothing at first, since B is zero', async () => {
    expect(await outOf(withLora(model.graph, { rank: 2 }).graph)).toEqual(await outOf(model.graph));
  });
  it('trains factors of the rank asked for', () => {
    const { parameters } = withLora(model.graph, { rank: 2, targets: ['first.*'] });
    expect(parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['first.lora_A.weight', [2, 8]],
      ['first.lora_B.weight', [4, 2]],
    ]);
  });
  it('merges into weights that give the same outputs', async () => {
    const lora = withLora(model.graph, { rank: 2, alpha: 4 });
    const values: Values = new Map(
      lora.parameters.map(({ value, shape }, i) => [value, seededTensor(40 + i, shape).data]),
    );
    const merged = withValues(model.graph, await lora.merge(values));
    expectClose(await outOf(withValues(lora.graph, values)), await outOf(merged), 1e-6);
    expect(await outOf(merged)).not.toEqual(await outOf(model.graph));
  });
  it('names targets that are not there', () => {
    expect(() => withLora(model.graph, { targets: ['nothing'] })).toThrow('No linear weight is called nothing.');
  });
});

describe('train with lora', () => {
  it('lowers the loss by an update of the rank, biases untouched', async () => {
    const result = await train(model, tinyOptions({ steps: 80, batchSize: 8, timesteps: [500], lora: { rank: 1 } }));
    const { losses } = result.report;
    expect(losses.slice(-10).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 10).reduce((a, b) => a + b));
    const bias = async ({ graph }: typeof model) => (await graph.constants.get('first.bias')!.read()).data;
    expect(await bias(result.model)).toEqual(await bias(model));
    // All 2 x 2 minors of a matrix of rank 1 vanish.
    const delta = await difference('second.weight', result.model);
    expect(Math.max(...delta.map(Math.abs))).toBeGreaterThan(1e-3);
    expect(Math.abs(delta[0] * delta[5] - delta[1] * delta[4])).toBeLessThan(1e-6);
  });
});

async function difference(name: string, trained: typeof model): Promise<Float32Array> {
  const before = toFloat32(await model.graph.constants.get(name)!.read());
  const after = toFloat32(await trained.graph.constants.get(name)!.read());
  return after.map((value, i) => value - before[i]);
}
