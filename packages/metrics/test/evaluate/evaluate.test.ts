import type { Engine, FeatureExtractor, Model, Progress } from '@secateur/core';
import { referenceEngine, seededValues, tinyCalibration, tinyModel } from '@secateur/core/conformance';
import { float32, type Tensor, toFloat32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { type EvaluateOptions, evaluate, fd, fdInfinity, kid, precision, psnr, ssim } from '../../src/index.js';

/** Draws two channels of 12×12, large enough for SSIM’s window, or of another size. */
const model = (name: string, side = 12): Model => ({
  ...tinyModel(),
  name,
  sizes: { height: side, width: side },
  scheduler: { _class_name: 'DDPMScheduler' },
});
const images = (count: number, side = 12): Tensor =>
  float32([count, 2, side, side], seededValues(5, count * 2 * side ** 2).map(Math.tanh));

/** Mean and mean square of a picture. */
const features: FeatureExtractor = {
  name: 'toy',
  dims: 2,
  extract: async (pictures) => {
    const [count] = pictures.shape;
    const data = toFloat32(pictures);
    const size = data.length / count;
    const out = new Float32Array(count * 2);
    for (const [i, value] of data.entries()) {
      const row = Math.floor(i / size);
      out[2 * row] += value / size;
      out[2 * row + 1] += value ** 2 / size;
    }
    return float32([count, 2], out);
  },
};

/** The reference engine, which counts what is compiled and not given back. */
function countingEngine(): Engine & { open: number } {
  const inner = referenceEngine();
  const engine = {
    ...inner,
    open: 0,
    compile: async (...args: Parameters<Engine['compile']>) => {
      const executable = await inner.compile(...args);
      engine.open++;
      return {
        ...executable,
        run: executable.run.bind(executable),
        dispose: async () => {
          engine.open--;
          await executable.dispose();
        },
      };
    },
  };
  return engine;
}

const common = { engine: referenceEngine(), count: 6, steps: 2 } satisfies Partial<EvaluateOptions>;

describe('evaluate', () => {
  it('judges a model by real pictures and by another model, which it measures too', async () => {
    const engine = countingEngine();
    const found = await evaluate(model('small'), {
      ...common,
      engine,
      reference: model('dense'),
      images: images(9),
      features,
      metrics: [fd(), kid({ subsets: 3 }), ssim(), psnr()],
      seed: 4,
    });
    expect(found).toMatchObject({ model: 'small', reference: 'dense' });
    expect(Object.keys(found.metrics)).toEqual(['fd', 'kid', 'ssim', 'psnr']);
    expect(Object.keys(found.referenceMetrics!)).toEqual(['fd', 'kid']);
    // The same weights from the same noise.
    expect(found.metrics.ssim.value).toBeCloseTo(1, 12);
    expect(found.metrics.psnr.value).toBe(Number.POSITIVE_INFINITY);
    expect(found.metrics.fd).toEqual(found.referenceMetrics!.fd);
    expect(found.metrics.fd).toMatchObject({ label: 'fd(toy)', higherIsBetter: false });
    expect(found.metrics.fd.count).toEqual({ actual: 6, reference: 9 });
    expect(found.metrics.ssim).toMatchObject({ label: 'ssim', higherIsBetter: true, count: { actual: 6 } });
    expect(found.settings).toMatchObject({ count: 6, steps: 2, sampler: 'DDIMScheduler', seed: 4, realImages: 9 });
    expect(engine.open).toBe(0);
  });

  it('gives the same numbers again, whatever the batch, and draws in parts of 64', async () => {
    const options = { ...common, count: 65, steps: 1, images: images(70, 4), features, metrics: [fd(), precision()] };
    const first = await evaluate(model('m', 4), options);
    expect(first.metrics.fd.count).toEqual({ actual: 65, reference: 70 });
    expect(await evaluate(model('m', 4), options)).toEqual(first);
    const other = await evaluate(model('m', 4), { ...options, batchSize: 7 });
    // 8-bit pictures: a last bit may flip a level.
    expect(other.metrics.fd.value).toBeCloseTo(first.metrics.fd.value, 3);
  });

  it('takes real pictures in parts', async () => {
    const all = images(8);
    async function* parts(): AsyncGenerator<Tensor> {
      const data = all.data as Float32Array;
      yield float32([5, 2, 12, 12], data.subarray(0, 5 * 288));
      yield float32([3, 2, 12, 12], data.subarray(5 * 288));
    }
    const options = { ...common, features, metrics: [fd()] };
    const whole = await evaluate(model('m'), { ...options, images: all });
    expect((await evaluate(model('m'), { ...options, images: parts() })).metrics).toEqual(whole.metrics);
  });

  it('measures the output error at timesteps, without drawing anything where no metric wants it', async () => {
    const found = await evaluate(model('a'), {
      ...common,
      reference: model('b'),
      calibration: tinyCalibration(),
      metrics: [],
      timesteps: 3,
    });
    expect(found.outputErrors?.map(({ timestep, mse }) => [timestep, mse])).toEqual([
      [0, 0],
      [5, 0],
      [9, 0],
    ]);
    expect(found.settings.sampler).toBeUndefined();
  });

  it('collects warnings, and hands them to the logger once', async () => {
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (message: string) => warnings.push(message) };
    const found = await evaluate(model('m'), {
      ...common,
      reference: model('d'),
      images: images(9),
      features,
      metrics: [fd()],
      logger,
    });
    expect(warnings).toEqual(found.metrics.fd.warnings);
    expect(warnings[0]).toContain('6 pictures with 2 features is biased upwards');
  });

  it('reports progress that never falls, phase by phase, up to the end', async () => {
    const seen: Progress[] = [];
    await evaluate(model('m'), {
      ...common,
      reference: model('d'),
      images: images(3),
      features,
      metrics: [fd()],
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.map(({ phase, done, total }) => `${phase} ${done}/${total}`)).toEqual([
      'real pictures 3/3',
      'sampling 6/24',
      'sampling 12/24',
      'sampling 18/24',
      'sampling 24/24',
    ]);
  });

  it('stops when cancelled, and frees what it compiled', async () => {
    const engine = countingEngine();
    const controller = new AbortController();
    const cancelled = evaluate(model('m'), {
      ...common,
      engine,
      images: images(3),
      features,
      metrics: [fd()],
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'sampling' && controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    expect(engine.open).toBe(0);
  });

  it.each<[string, Partial<EvaluateOptions>, string]>([
    ['pairs without the dense model', { metrics: [ssim()] }, 'reference'],
    ['sets without real pictures', { metrics: [fd()], features }, 'images'],
    ['features without an extractor', { metrics: [fd()], images: images(3) }, 'features'],
    ['the output error without the dense model', { metrics: [], calibration: tinyCalibration() }, 'reference'],
  ])('says what lacks: %s', async (_, options, field) => {
    const asked = evaluate(model('m'), { ...common, metrics: [], ...options });
    await expect(asked).rejects.toMatchObject({ code: 'MISSING_NEED', field });
  });

  it('refuses a metric twice, too few pictures, and models that draw different pictures', async () => {
    const both = { ...common, reference: model('d') };
    await expect(evaluate(model('m'), { ...both, metrics: [ssim(), ssim()] })).rejects.toMatchObject({
      code: 'NAME_CLASH',
    });
    // Before anything is drawn.
    const onProgress = ({ phase }: Progress) => expect(phase).not.toBe('sampling');
    const few = { ...common, features, onProgress, metrics: [fdInfinity()] };
    await expect(evaluate(model('m'), { ...few, count: 5, images: images(9) })).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: '"fd-infinity" needs at least 6 samples of each; 5 pictures are to be drawn.',
    });
    await expect(evaluate(model('m'), { ...few, images: images(4) })).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: '"fd-infinity" needs at least 6 samples of each; 4 real pictures are there.',
    });
    const larger = model('large', 16);
    await expect(evaluate(model('m'), { ...common, reference: larger, metrics: [ssim()] })).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: 'm draws [2,12,12], large [2,16,16]: they cannot be compared.',
    });
  });
});
