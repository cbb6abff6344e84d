import { couple } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import {
  type CriterionDefinition,
  chooseElements,
  countKept,
  isKept,
  listWeightTensors,
  type Pattern,
} from '../src/index.js';
import { criterionWith } from './support/criteria.js';

const { graph } = tinyModel();
const coupling = couple(graph);
const tensors = listWeightTensors(coupling);
const all: Pattern = { kind: 'elements' };

async function choose(
  definition: Partial<CriterionDefinition<object>>,
  pattern = all,
  scope: 'local' | 'global' = 'local',
  ratio = 0.5,
) {
  return chooseElements({
    graph,
    criterion: criterionWith(definition),
    tensors,
    pattern,
    ratio,
    scope,
    statistics: { losses: [] },
    seed: 7,
  });
}

const magnitude = { scoreTensor: ({ weights }: { weights: Float32Array }) => weights.map(Math.abs) };

it('listWeightTensors lists convolutions and linears with the axis of their inputs, no biases or norms', () => {
  const linears = [...graph.constants].filter(([, { parameter, shape }]) => parameter && shape.length > 1);
  expect(tensors.map(({ tensor }) => tensor).sort()).toEqual(linears.map(([name]) => name).sort());
  for (const { inputAxis } of tensors) expect(inputAxis).toBe(1);
});

describe('chooseElements', () => {
  it('zeroes the same share of every tensor, smallest first', async () => {
    for (const [tensor, mask] of await choose(magnitude)) {
      const values = (graph.constants.get(tensor)!.value!.data as Float32Array).map(Math.abs);
      expect(countKept(mask)).toBe(Math.ceil(values.length / 2));
      const kept = [...values].filter((_, i) => isKept(mask, i));
      const gone = [...values].filter((_, i) => !isKept(mask, i));
      expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...gone));
    }
  });
  it('ranks all tensors together when global', async () => {
    const firstOnly = {
      scoreTensor: ({ tensor, weights }: { tensor: string; weights: Float32Array }) =>
        new Float32Array(weights.length).fill(tensor === 'conv_in.weight' ? 0 : 1),
    };
    const masks = await choose(firstOnly, all, 'global', 0.05);
    const total = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    const kept = [...masks.values()].reduce((sum, mask) => sum + countKept(mask), 0);
    expect(total - kept).toBe(Math.floor(0.05 * total));
    expect(countKept(masks.get('conv_in.weight')!)).toBe(144 - Math.floor(0.05 * total));
  });
  it('keeps n of every m input channels', async () => {
    for (const [tensor, mask] of await choose(magnitude, { kind: 'n:m', n: 1, m: 2 })) {
      const [out, inputs, ...kernel] = graph.constants.get(tensor)!.shape;
      expect(countKept(mask)).toBe((out * inputs * kernel.reduce((a, b) => a * b, 1)) / 2);
    }
  });
  it('draws random numbers from the seed, the tensor and the element alone', async () => {
    const random = {
      scoreTensor: ({ weights }: { weights: Float32Array }, { random: draw }: { random(element: number): number }) =>
        weights.map((_, i) => draw(i)),
    };
    expect(await choose(random)).toEqual(await choose(random));
  });
  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'BAD_PLUGIN',
    ],
    ['gives too few', () => new Float32Array(1), 'BAD_PLUGIN'],
    ['gives NaN', ({ weights }: { weights: Float32Array }) => weights.map(() => Number.NaN), 'BAD_PLUGIN'],
    [
      'reads gradients undeclared',
      (_: unknown, context: { gradients(): Float32Array }) => context.gradients(),
      'MISSING_NEED',
    ],
    [
      'reads norms undeclared',
      (_: unknown, context: { inputNorms(): { norms: Float32Array } }) => context.inputNorms().norms,
      'MISSING_NEED',
    ],
  ] as const)('names the plugin that %s', async (_, scoreTensor, code) => {
    await expect(choose({ scoreTensor })).rejects.toMatchObject({ code, plugin: 'mine' });
  });
  it('refuses a criterion of units', async () => {
    await expect(choose({ scoreEach: () => 0 })).rejects.toMatchObject({ code: 'BAD_OPTION', plugin: 'mine' });
  });
});
