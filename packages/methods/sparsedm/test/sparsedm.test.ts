import { countKept, type Model, nOfM, prune } from '@secateur/core';
import { referenceEngine, tinyModel } from '@secateur/core/conformance';
import { toFloat32 } from '@secateur/graph';
import { createSampler } from '@secateur/samplers';
import { seededTensor } from '@secateur/testkit';
import {
  isTrainingMethod,
  memoryCheckpoints,
  sampleSet,
  type TrainOptions,
  type TrainResult,
  train,
} from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { type SparseDMOptions, sparsedm } from '../src/index.js';

/** Convolutions and linears of the tiny model that runs of four fit into and that are not left out. */
const masked = [
  'time.linear_1.weight',
  'block.conv1.weight',
  'block.conv2.weight',
  'attention.to_q.weight',
  'attention.to_k.weight',
  'attention.to_v.weight',
  'attention.to_out.weight',
];

const common: Omit<TrainOptions, 'losses' | 'mask' | 'teacher'> = {
  engine: referenceEngine(),
  data: sampleSet({ samples: seededTensor(3, [8, 2, 4, 4]), source: 'seeded' }),
  sampler: createSampler({ _class_name: 'DDPMScheduler' }),
  steps: 40,
  batchSize: 2,
  learningRate: { peak: 0.02, schedule: 'cosine' },
};

function trained(options: Partial<SparseDMOptions>, more: Partial<TrainOptions> = {}): Promise<TrainResult> {
  const settings = { ...common, ...more };
  const plan = sparsedm(options).training({ steps: settings.steps });
  return train(tinyModel(), { ...settings, ...plan, teacher: tinyModel() });
}

async function weightsOf({ graph }: Model): Promise<Map<string, Float32Array>> {
  const read = [...graph.constants].map(async ([name, constant]) => [name, toFloat32(await constant.read())] as const);
  return new Map(await Promise.all(read));
}

/** Most non-zeros of a run of `m` input channels of a `[out, in, ...taps]` weight. */
function mostOfRun(values: Float32Array, [outputs, inputs, ...rest]: readonly number[], m: number): number {
  const taps = rest.reduce((a, b) => a * b, 1);
  let most = 0;
  for (let o = 0; o < outputs; o++) {
    for (let t = 0; t < taps; t++) {
      for (let run = 0; run < inputs; run += m) {
        let count = 0;
        for (let i = run; i < run + m; i++) if (values[(o * inputs + i) * taps + t] !== 0) count++;
        most = Math.max(most, count);
      }
    }
  }
  return most;
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

describe('training', () => {
  it('leaves at most N non-zeros in every run of M, and says which weights stayed dense and why', async () => {
    const { model, masks, report } = await trained({ pattern: '1:4' }, { steps: 6, ema: { decay: 0.9 } });
    const weights = await weightsOf(model);
    for (const name of masked) {
      expect(mostOfRun(weights.get(name)!, model.graph.constants.get(name)!.shape, 4), name).toBe(1);
    }
    expect([...masks!.keys()].toSorted()).toEqual(masked.toSorted());
    expect(report.masks!.sparsity['block.conv1.weight']).toBe(0.75);
    expect(report.masks!.dense).toEqual([
      { tensor: 'conv_in.weight', reason: '2 input channels are no multiple of 4' },
      { tensor: 'time.linear_2.weight', reason: '6 input channels are no multiple of 4' },
      { tensor: 'conv_out.weight', reason: 'left out' },
    ]);
  });

  it('settles: fewer bits flip at the end than at the beginning', async () => {
    const heard: (number | undefined)[] = [];
    const { report } = await trained(
      { decay: 0.05 },
      { steps: 200, onProgress: ({ maskFlips, note }) => heard.push(note?.includes('of the mask') ? maskFlips : -1) },
    );
    const flips = report.maskFlips!;
    expect(flips).toHaveLength(200);
    expect(mean(flips.slice(1, 40))).toBeGreaterThan(3 * mean(flips.slice(-40)));
    expect(heard.at(-1)).toBe(flips.at(-1));
  });

  it('is 1.0 of the task and 0.1 of the distance to the teacher', async () => {
    const { terms } = (await trained({}, { steps: 1 })).report;
    expect(terms.map(({ name, weight }) => [name, weight])).toEqual([
      ['denoising', 1],
      ['output', 0.1],
    ]);
    // The student starts as the masked teacher: nearer to it than to the noise.
    expect(terms[1].losses[0]).toBeGreaterThan(0);
    expect(sparsedm({ outputWeight: 0 }).training({ steps: 1 }).losses).toHaveLength(1);
  });

  it('adds λ (1 − mask) w to the gradient: the first SGD step shows it', async () => {
    const { sgd } = await import('@secateur/train');
    const steps = async (decay: number) => {
      const sgdStep = { steps: 1, learningRate: 1, clip: Infinity, optimizer: sgd(), checkpoints: memoryCheckpoints() };
      const store = sgdStep.checkpoints;
      await trained({ decay }, sgdStep);
      const { readSafetensors } = await import('@secateur/safetensors');
      const file = await readSafetensors((await store.open('step-00000001.safetensors'))!);
      return toFloat32(await file.tensors.get('weight/block.conv1.weight')!.read());
    };
    const [plain, decayed] = [await steps(0), await steps(0.25)];
    const before = (await weightsOf(tinyModel())).get('block.conv1.weight')!;
    const kept = new Uint8Array(before.length);
    const parameter = { value: '', name: '', shape: [8, 8, 3, 3], inputAxis: 1, outputAxis: 0 };
    sparsedm({ dense: [] }).training({ steps: 1 }).mask!.write(parameter, before, kept, 0);
    // Differences of weights of size 1 in float32.
    for (const [i, w] of before.entries()) expect(plain[i] - decayed[i]).toBeCloseTo(0.25 * (1 - kept[i]) * w, 5);
  });

  it.each<Partial<SparseDMOptions>>([{}, { progressive: true }, { sharedRows: 4, wholeKernels: true }])(
    'goes on after it was stopped with the bytes of a run that was not: %j',
    async (options) => {
      const settings = { steps: 6, checkpointEvery: 2, ema: { decay: 0.9 } };
      const [whole, broken] = [memoryCheckpoints(), memoryCheckpoints()];
      const expected = await trained(options, { ...settings, checkpoints: whole });
      const controller = new AbortController();
      const data: TrainOptions['data'] = {
        ...(common.data as ReturnType<typeof sampleSet>),
        async read(indices) {
          if (++reads === 4) controller.abort();
          return (common.data as ReturnType<typeof sampleSet>).read(indices);
        },
      };
      let reads = 0;
      const first = trained(options, { ...settings, data, checkpoints: broken, signal: controller.signal });
      await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
      const resumed = await trained(options, { ...settings, checkpoints: broken });
      expect(resumed.report.resumedFrom).toBe(2);
      expect(await weightsOf(resumed.model)).toEqual(await weightsOf(expected.model));
      expect(resumed.report.maskFlips).toEqual(expected.report.maskFlips);
      expect(broken.files).toEqual(whole.files);
    },
  );

  it('belongs to the settings of a run: a checkpoint under other masks is refused', async () => {
    const checkpoints = memoryCheckpoints();
    await trained({}, { steps: 2, checkpoints });
    await expect(trained({ progressive: true }, { steps: 2, checkpoints })).rejects.toThrow(
      'mask.options.progressive was false, is true',
    );
  });
});

describe('without training', () => {
  const run = (options: Partial<SparseDMOptions> = {}, more: object = {}) =>
    prune(tinyModel(), { method: sparsedm(options), latency: false, ...more });

  it('zeroes what training would start with, and needs no ratio', async () => {
    const { outcome, report, model } = await run();
    expect([...outcome.masks!.keys()].toSorted()).toEqual(masked.toSorted());
    for (const mask of outcome.masks!.values()) expect(countKept(mask)).toBe((mask.bits.length * 8) / 2);
    expect(report).toMatchObject({ method: { name: 'sparsedm' }, space: '2:4', criterion: 'magnitude' });
    const { masks } = await trained({}, { steps: 1, learningRate: 1e-12 });
    expect(masks).toEqual(outcome.masks);
    expect(mostOfRun((await weightsOf(model)).get('block.conv1.weight')!, [8, 8, 3, 3], 4)).toBe(2);
  });

  it('takes the caller’s pattern and leaves alone what the caller says', async () => {
    const { outcome, report } = await run({}, { space: nOfM(1, 4), ignore: ['attention.*'] });
    expect([...outcome.masks!.keys()].toSorted()).toEqual(masked.filter((name) => !name.startsWith('att')).toSorted());
    expect(report.sparsity!['block.conv1.weight']).toBe(0.75);
  });

  it('refuses spaces that are no pattern, and weights that are not finite', async () => {
    const { channels } = await import('@secateur/core');
    await expect(run({}, { space: channels })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'space' });
    const model = tinyModel();
    const weight = await model.graph.constants.get('block.conv1.weight')!.read();
    weight.data[5] = Number.NaN;
    await expect(prune(model, { method: sparsedm(), latency: false })).rejects.toMatchObject({ code: 'BAD_DATA' });
  });
});

describe('options', () => {
  it.each([
    ['pattern', { pattern: '4:2' as never }],
    ['sharedRows', { sharedRows: 3 as never }],
    ['decay', { decay: -1 }],
    ['taskWeight', { taskWeight: Number.NaN }],
  ])('%s is checked', (field, options) => {
    expect(() => sparsedm(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field }));
  });

  it('make a method that says how to train', () => {
    expect(isTrainingMethod(sparsedm())).toBe(true);
  });
});
