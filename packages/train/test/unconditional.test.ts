import { float32, int64, type Tensor } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';
import { seededTensor } from '@secateur/testkit';
import { denoising, guidedDistillation, sampleSet, type TrainOptions, train } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { doubled, withoutSomeConditions } from '../src/unconditional.js';
import { labels, tinyDenoiser, tinyOptions } from './support/tiny-denoiser.js';

const feeds = {
  sample: float32([3, 2], [1, 2, 3, 4, 5, 6]),
  class_labels: int64([7, 8, 9]),
  text: float32([3, 1, 2], [1, 1, 2, 2, 3, 3]),
};
const none = { class_labels: int64([10]), text: float32([1, 1, 2], [-1, -2]) };
const list = ({ data }: Tensor) => Array.from(data as Float32Array, Number);

describe('withoutSomeConditions', () => {
  it('replaces all conditions of the samples whose number is below the probability', () => {
    const drawn = list(torchGenerator(4).rand([3]));
    const sorted = drawn.toSorted((a, b) => a - b);
    // Between the lowest and the one above it: one sample of three goes.
    const probability = (sorted[0] + sorted[1]) / 2;
    const gone = drawn.indexOf(sorted[0]);
    const out = withoutSomeConditions(feeds, 3, none, probability, torchGenerator(4));
    expect(list(out.class_labels)).toEqual([7, 8, 9].map((label, i) => (i === gone ? 10 : label)));
    expect(list(out.text)).toEqual([0, 1, 2].flatMap((i) => (i === gone ? [-1, -2] : [i + 1, i + 1])));
    expect(out.sample).toBe(feeds.sample);
    expect(list(feeds.class_labels)).toEqual([7, 8, 9]);
  });

  it('does so about as often as it should', () => {
    const many = { class_labels: int64(Array.from({ length: 1000 }, () => 1)) };
    const out = withoutSomeConditions(many, 1000, { class_labels: int64([10]) }, 0.1, torchGenerator(0));
    const gone = list(out.class_labels).filter((label) => label === 10).length;
    // 100 expected, four deviations of 9.5 either way.
    expect(Math.abs(gone - 100)).toBeLessThan(38);
  });

  it('refuses a row of another size, and a condition that the data lacks', () => {
    const wrong = (unconditional: Record<string, Tensor>) => () =>
      withoutSomeConditions(feeds, 3, unconditional, 0.5, torchGenerator(0));
    expect(wrong({ text: float32([1, 1, 3], [1, 2, 3]) })).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
    expect(wrong({ pooled: float32([1, 1], [1]) })).toThrow(expect.objectContaining({ code: 'BAD_DATA' }));
  });
});

it('doubled puts the rows without conditions behind those with', () => {
  const out = doubled(feeds, 3, none);
  expect(list(out.class_labels)).toEqual([7, 8, 9, 10, 10, 10]);
  expect(list(out.sample)).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
});

describe('train with dropConditions', () => {
  const student = tinyDenoiser({ condition: true });
  const data = sampleSet({ samples: seededTensor(3, [8, 2, 2, 2]), conditions: { label: labels(8) } });
  const unconditional = { label: float32([1, 1], [5]) };
  const losses = async (more: Partial<TrainOptions>) =>
    (await train(student, tinyOptions({ data, steps: 4, ...more }))).report.losses;

  it('of 0 draws nothing; more changes what is learnt, the same for a seed', async () => {
    const plain = await losses({});
    expect(await losses({ dropConditions: 0, unconditional })).toEqual(plain);
    const dropped = await losses({ dropConditions: 0.5, unconditional });
    expect(dropped).not.toEqual(plain);
    expect(await losses({ dropConditions: 0.5, unconditional })).toEqual(dropped);
  });

  it('trains as on data that never had them, where all are dropped', async () => {
    const bare = sampleSet({
      samples: seededTensor(3, [8, 2, 2, 2]),
      conditions: { label: float32([8, 1], new Float32Array(8).fill(5)) },
    });
    // One batch: later ones draw from where the dropping left the generator.
    const first = async (more: Partial<TrainOptions>) => (await losses({ steps: 1, ...more }))[0];
    expect(await first({ dropConditions: 1 - 1e-9, unconditional })).toBe(await first({ data: bare }));
  });

  it('needs to know what none looks like, and goes not with the guided loss', async () => {
    await expect(losses({ dropConditions: 0.1 })).rejects.toMatchObject({
      code: 'MISSING_NEED',
      field: 'unconditional',
    });
    await expect(losses({ dropConditions: 1, unconditional })).rejects.toMatchObject({ field: 'dropConditions' });
    const guided = { losses: [denoising(), guidedDistillation()], teacher: student, unconditional };
    await expect(losses({ ...guided, dropConditions: 0.1 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'dropConditions',
    });
  });
});
