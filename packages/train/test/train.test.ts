import { type Model, maskFrom, parametersOf } from '@secateur/core';
import { toFloat32 } from '@secateur/graph';
import { seededTensor } from '@secateur/testkit';
import {
  denoising,
  featureDistillation,
  fixedMask,
  guidedDistillation,
  memoryCheckpoints,
  nOfMMask,
  outputDistillation,
  sampleSet,
  sgd,
  type TrainOptions,
  type TrainProgress,
  train,
} from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { labels, tinyDenoiser, tinyOptions } from './support/tiny-denoiser.js';

const model = tinyDenoiser();

async function weightsOf({ graph }: Model): Promise<Record<string, number[]>> {
  const weights: Record<string, number[]> = {};
  for (const [name, { constant }] of parametersOf(graph)) weights[name] = Array.from(toFloat32(await constant.read()));
  return weights;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('train', () => {
  it('lowers the loss and leaves the model given as it is', async () => {
    const before = await weightsOf(model);
    const { model: trained, report } = await train(model, tinyOptions({ steps: 120, batchSize: 8, timesteps: [500] }));
    expect(sum(report.losses.slice(-20))).toBeLessThan(0.8 * sum(report.losses.slice(0, 20)));
    expect(await weightsOf(model)).toEqual(before);
    expect(await weightsOf(trained)).not.toEqual(before);
    expect(report.terms[0]).toMatchObject({ name: 'denoising', weight: 1, losses: report.losses });
    expect(report.trained).toBe(4 * 8 + 4 + 8 * 4 + 8);
  });

  it('takes the same step from two halves of a batch as from the whole', async () => {
    // Two runs of four samples draw other noise than one of eight: so every sample, timestep and noise is the same here.
    const one = sampleSet({ samples: { ...seededTensor(3, [8, 2, 2, 2]), data: new Float32Array(64).fill(0.5) } });
    const silent: Partial<TrainOptions> = { data: one, steps: 3, timesteps: [0], optimizer: sgd(), clip: Infinity };
    const whole = await train(model, tinyOptions({ ...silent, batchSize: 8 }));
    const halves = await train(model, tinyOptions({ ...silent, batchSize: 4, accumulate: 2 }));
    const [a, b] = [await weightsOf(whole.model), await weightsOf(halves.model)];
    // Noise at timestep 0 has deviation 0.01, of predictions that are of size 1.
    for (const [name, values] of Object.entries(a)) {
      for (const [i, value] of values.entries()) expect(Math.abs(value - b[name][i]), name).toBeLessThan(0.05);
    }
  });

  it('is repeated to the bit by its seed', async () => {
    const first = await train(model, tinyOptions({ ema: { decay: 0.9 } }));
    const again = await train(model, tinyOptions({ ema: { decay: 0.9 } }));
    expect(await weightsOf(again.model)).toEqual(await weightsOf(first.model));
    const other = await train(model, tinyOptions({ ema: { decay: 0.9 }, seed: 1 }));
    expect(await weightsOf(other.model)).not.toEqual(await weightsOf(first.model));
  });

  it('gives the averaged weights with ema, and those of the last step beside them', async () => {
    const plain = await train(model, tinyOptions());
    const averaged = await train(model, tinyOptions({ ema: { decay: 0.9 } }));
    expect(await weightsOf(averaged.last!)).toEqual(await weightsOf(plain.model));
    expect(await weightsOf(averaged.model)).not.toEqual(await weightsOf(plain.model));
    expect(plain.last).toBeUndefined();
  });

  it('trains the weights named alone', async () => {
    const { model: trained } = await train(model, tinyOptions({ parameters: ['second.*'] }));
    const [before, after] = [await weightsOf(model), await weightsOf(trained)];
    expect(after['first.weight']).toEqual(before['first.weight']);
    expect(after['second.bias']).not.toEqual(before['second.bias']);
  });

  it('tells how far it is', async () => {
    const heard: TrainProgress[] = [];
    await train(model, tinyOptions({ onProgress: (progress) => heard.push(progress) }));
    expect(heard.at(-1)).toMatchObject({ phase: 'training', done: 6, total: 6, unit: 'steps', remainingMs: 0 });
    expect(heard.at(-1)!.note).toMatch(/^loss [\d.]+, [\d.e+]+ images\/s$/);
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    const run = train(model, tinyOptions({ signal: controller.signal, onProgress: () => controller.abort() }));
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('resuming', () => {
  const everything: Partial<TrainOptions> = {
    steps: 9,
    ema: { decay: 0.9 },
    accumulate: 2,
    checkpointEvery: 2,
    mask: nOfMMask({ pattern: '2:4' }),
    teacher: tinyDenoiser({ seed: 2 }),
    losses: [denoising(), outputDistillation(0.1)],
    learningRate: { peak: 0.05, schedule: 'cosine', warmup: 2 },
  };

  it.each([1, 2, 5, 8])('ends with the bytes of an uninterrupted run when stopped after step %i', async (stop) => {
    const whole = memoryCheckpoints();
    const expected = await train(model, tinyOptions({ ...everything, checkpoints: whole }));
    const broken = memoryCheckpoints();
    const controller = new AbortController();
    let made = 0;
    const samples = everything.accumulate!;
    const { data } = tinyOptions();
    if (data.kind !== 'set') throw new Error('a set expected');
    const counting = {
      ...data,
      read: (indices: readonly number[]) => {
        if (++made === stop * samples + 1) controller.abort();
        return data.read(indices);
      },
    };
    const first = train(
      model,
      tinyOptions({ ...everything, data: counting, checkpoints: broken, signal: controller.signal }),
    );
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    const resumed = await train(model, tinyOptions({ ...everything, checkpoints: broken }));
    expect(resumed.report.resumedFrom).toBe(stop < 2 ? undefined : stop - (stop % 2));
    expect(await weightsOf(resumed.model)).toEqual(await weightsOf(expected.model));
    expect(resumed.report.losses).toEqual(expected.report.losses);
    expect(resumed.report.maskFlips).toEqual(expected.report.maskFlips);
    expect(broken.files).toEqual(whole.files);
  });

  it('does nothing again when the run had ended', async () => {
    const checkpoints = memoryCheckpoints();
    const first = await train(model, tinyOptions({ checkpoints }));
    const again = await train(model, tinyOptions({ checkpoints }));
    expect(await weightsOf(again.model)).toEqual(await weightsOf(first.model));
    expect(again.report.resumedFrom).toBe(6);
  });

  it('refuses to go on with other settings', async () => {
    const checkpoints = memoryCheckpoints();
    await train(model, tinyOptions({ checkpoints }));
    await expect(train(model, tinyOptions({ checkpoints, seed: 3 }))).rejects.toThrow('seed was 0, is 3');
  });
});

describe('distillation', () => {
  const teacher = tinyDenoiser({ seed: 2, name: 'teacher' });

  it('brings the student’s output and features to the teacher’s', async () => {
    const losses = [outputDistillation(), featureDistillation({ at: ['first'], weight: 0.1, normalized: true })];
    const { report } = await train(model, tinyOptions({ steps: 150, batchSize: 8, teacher, losses }));
    for (const term of report.terms) {
      expect(sum(term.losses.slice(-10)), term.name).toBeLessThan(0.5 * sum(term.losses.slice(0, 10)));
    }
    const first = report.losses[0];
    expect(first).toBeCloseTo(report.terms[0].losses[0] + 0.1 * report.terms[1].losses[0], 12);
  });

  it('with guidance needs to know what no condition is, and learns the guided output', async () => {
    const student = tinyDenoiser({ condition: true });
    const guide = tinyDenoiser({ condition: true, seed: 2 });
    const data = sampleSet({ samples: seededTensor(3, [8, 2, 2, 2]), conditions: { label: labels(8) } });
    const options = { data, steps: 120, batchSize: 8, teacher: guide, losses: [guidedDistillation()] };
    await expect(train(student, tinyOptions(options))).rejects.toMatchObject({ code: 'MISSING_NEED' });
    const unconditional = { label: labels(1) };
    const { report } = await train(student, tinyOptions({ ...options, unconditional, clip: Infinity }));
    expect(sum(report.losses.slice(-10))).toBeLessThan(0.6 * sum(report.losses.slice(0, 10)));
  });

  it('refuses a teacher that does not match, naming both', async () => {
    const other = tinyDenoiser({ condition: true, name: 'other' });
    const run = train(model, tinyOptions({ teacher: other, losses: [outputDistillation()] }));
    await expect(run).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    await expect(run).rejects.toThrow(/student tiny takes sample.*teacher other takes sample.*label/s);
    await expect(train(model, tinyOptions({ losses: [outputDistillation()] }))).rejects.toMatchObject({
      code: 'MISSING_NEED',
    });
  });
});

describe('masks', () => {
  it('of a pruned model stay: what is zero stays zero', async () => {
    const mask = fixedMask(new Map([['first.weight', maskFrom([4, 8], (i) => i % 3 === 0)]]));
    const { model: trained } = await train(model, tinyOptions({ steps: 20, mask, ema: { decay: 0.9 } }));
    const weights = await weightsOf(trained);
    for (const [i, value] of weights['first.weight'].entries()) expect(value === 0).toBe(i % 3 !== 0);
  });

  it('of N:M leave at most N non-zeros in every run, and settle', async () => {
    const mask = nOfMMask({ pattern: '2:4', decay: 0.05 });
    const learningRate = { peak: 0.05, schedule: 'cosine' } as const;
    const { model: trained, report } = await train(model, tinyOptions({ steps: 300, mask, learningRate }));
    const weights = await weightsOf(trained);
    for (const name of ['first.weight', 'second.weight']) {
      for (let run = 0; run < weights[name].length; run += 4) {
        expect(weights[name].slice(run, run + 4).filter((value) => value !== 0)).toHaveLength(2);
      }
    }
    const flips = report.maskFlips!;
    expect(sum(flips.slice(0, 100))).toBeGreaterThan(sum(flips.slice(200)));
  });
});

describe('bad input', () => {
  it('stops at a loss that is not finite, keeps the last checkpoint, names step and learning rate', async () => {
    const checkpoints = memoryCheckpoints();
    const optimizer = sgd();
    const poisoned = {
      ...optimizer,
      update(...args: Parameters<typeof optimizer.update>) {
        optimizer.update(...args);
        if (args[2].step === 5) args[0].get('first.weight')!.fill(Number.NaN);
      },
    };
    const run = train(model, tinyOptions({ optimizer: poisoned, checkpoints, checkpointEvery: 2, steps: 8 }));
    await expect(run).rejects.toThrow(
      'The loss is NaN at step 5, at learning rate 0.05. The checkpoint of step 4 is kept.',
    );
    await expect(run).rejects.toMatchObject({ code: 'BAD_DATA' });
    expect([...checkpoints.files.keys()]).toContain('step-00000004.safetensors');
  });

  it('refuses fewer samples than a batch has', async () => {
    await expect(train(model, tinyOptions({ batchSize: 9 }))).rejects.toThrow('There are 8 samples; a batch has 9.');
  });

  it('refuses data with inputs that the model does not take, and a model whose inputs the data lacks', async () => {
    const data = sampleSet({ samples: seededTensor(3, [8, 2, 2, 2]), conditions: { label: labels(8) } });
    await expect(train(model, tinyOptions({ data }))).rejects.toThrow(
      'The data has "label", which tiny does not take.',
    );
    await expect(train(tinyDenoiser({ condition: true }), tinyOptions())).rejects.toThrow('Input "label" is left out');
  });

  it.each<[Partial<TrainOptions>, string]>([
    [{ steps: 0 }, 'steps'],
    [{ batchSize: 1.5 }, 'batchSize'],
    [{ clip: 0 }, 'clip'],
    [{ losses: [] }, 'losses'],
    [{ losses: [denoising(-1)] }, 'losses.denoising.weight'],
    [{ weighting: { minSnr: 0 } }, 'weighting.minSnr'],
    [{ lora: {}, mask: nOfMMask({ pattern: '2:4' }) }, 'lora'],
    [{ parameters: ['nothing'] }, 'parameters'],
  ])('refuses %j', async (options, field) => {
    await expect(train(model, tinyOptions(options))).rejects.toMatchObject({ code: 'BAD_OPTION', field });
  });
});
