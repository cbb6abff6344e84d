import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluate, fd, kid, loadFeatures, loadModel, loadPictures, nodeEngine } from '../src/index.js';
import { fixturePath, join, scratch, secateur, tinyModel } from './run-cli.js';

const dense = 'zoo:fashion-ddpm-32';
const fashion = 'zoo:fashion-mnist';
const quick = ['--count', '4', '--steps', '1', '--data-count', '8', '--json', '--quiet'];

describe('eval', () => {
  it('judges the zoo’s model by real pictures and by itself', async () => {
    const argv = ['eval', dense, '--reference', dense, '--data', fashion, '--count', '6', '--steps', '2', '--json'];
    const metrics = ['--metrics', 'fd,kid,ssim,psnr,output-error', '--option', 'kid.subsets=3', '--error-images', '2'];
    const { code, stdout, stderr } = await secateur([...argv, ...metrics, '--data-count', '70', '--timesteps', '3']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({
      model: 'fashion-ddpm-32',
      reference: 'fashion-ddpm-32',
      metrics: {
        fd: { label: 'fd(fashion-classifier)', higherIsBetter: false, count: { actual: 6, reference: 70 } },
        kid: { label: 'kid(fashion-classifier)', details: { subsets: 3, subsetSize: 3 } },
        ssim: { label: 'ssim', higherIsBetter: true, spread: expect.closeTo(0, 9) },
        // JSON knows no infinity.
        psnr: { value: null, warnings: ['psnr: every pair is equal, the ratio is infinite.'] },
      },
      settings: { count: 6, steps: 2, sampler: 'DDIMScheduler', eta: 0, seed: 0, features: 'fashion-classifier' },
    });
    expect(found.metrics.ssim.value).toBeCloseTo(1, 9);
    expect(found.referenceMetrics.fd.value).toBe(found.metrics.fd.value);
    expect(found.outputErrors.map((error: { timestep: number }) => error.timestep)).toEqual([0, 500, 999]);
    expect(stderr).toMatch(/^sampling: \d+ of 24 picture steps/m);
    expect(stderr).toMatch(/^warning: Fréchet distance of 6 pictures with 64 features/m);
  });

  it('prints a table that says what the numbers rest on', async () => {
    const argv = ['eval', dense, '--data', fashion, '--count', '4', '--steps', '1', '--quiet'];
    const { stdout } = await secateur([...argv, '--metrics', 'fd', '--data-count', '8']);
    expect(stdout).toMatch(/^metric +better +fashion-ddpm-32 +from$/m);
    expect(stdout).toMatch(/^fd\(fashion-classifier\) +lower +[\d.]+ +4, 8 real$/m);
    expect(stdout).toMatch(/^4 pictures, DDIMScheduler, 1 steps, seed 0; /m);
  });

  it('takes a metric from a plugin file, with its options', async () => {
    const folder = scratch();
    writeFileSync(
      join(folder, 'brightness.ts'),
      `import { defineMetric } from '@secateur/core';
       export const brightness = defineMetric({
         name: 'brightness', apiVersion: 1, defaults: { scale: 1 }, higherIsBetter: false, compares: 'sets',
         compare: (actual, reference, { options }) => options.scale * actual.shape[0] / reference.shape[0],
       });`,
    );
    const argv = ['eval', dense, '--data', fashion, ...quick, '--plugin', './brightness.ts'];
    const asked = ['--metrics', 'brightness', '--option', 'brightness.scale=10'];
    const { stdout } = await secateur([...argv, ...asked], { cwd: folder });
    expect(JSON.parse(stdout).metrics.brightness).toMatchObject({ label: 'brightness', value: 5 });
  });

  it('looks through any ONNX, made ready as its preprocessor_config.json says', async () => {
    const folder = scratch();
    const { cpSync } = await import('node:fs');
    const { zooPath } = await import('@secateur/zoo/node');
    mkdirSync(join(folder, 'onnx'));
    cpSync(zooPath('fashion-classifier'), join(folder, 'onnx/own.onnx'));
    const value = async (config?: object, output = 'features'): Promise<number> => {
      if (config) writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(config));
      const features = ['--features', 'onnx/own.onnx', '--features-output', output];
      const argv = ['eval', dense, '--data', fashion, ...quick, '--metrics', 'fd', ...features];
      const { stdout } = await secateur(argv, { cwd: folder });
      const found = JSON.parse(stdout).metrics.fd;
      expect(found.label).toBe('fd(own)');
      return found.value;
    };
    const plain = await value();
    expect(await value(undefined, 'logits')).not.toBe(plain);
    expect(await value({ image_mean: [0.5], image_std: [0.5] })).toBe(plain);
    expect(await value({ image_mean: [0.3], image_std: [0.5] })).not.toBe(plain);
  });

  it.each<[string, string[], { code: string; field?: string }]>([
    ['nothing to judge by', [], { code: 'BAD_OPTION', field: 'data' }],
    ['no dense model for pairs', ['--metrics', 'ssim'], { code: 'MISSING_NEED', field: 'reference' }],
    ['no real pictures', ['--metrics', 'kid'], { code: 'MISSING_NEED', field: 'data' }],
    ['no dense model for the output error', ['--metrics', 'output-error', '--data', fashion], { code: 'MISSING_NEED' }],
    ['an unknown metric', ['--metrics', 'fid', '--data', fashion], { code: 'BAD_OPTION', field: 'metric' }],
    [
      'an option of no metric',
      ['--metrics', 'fd', '--data', fashion, '--option', 'kid.subsets=2'],
      { code: 'BAD_OPTION' },
    ],
    ['an unknown option', ['--metrics', 'kid', '--data', fashion, '--option', 'kid.sets=2'], { code: 'BAD_OPTION' }],
    [
      'an impossible option',
      ['--metrics', 'kid', '--data', fashion, '--option', 'kid.subsets=0'],
      { code: 'BAD_OPTION' },
    ],
    ['too few pictures', ['--metrics', 'fd', '--data', fashion, '--count', '1'], { code: 'BAD_DATA', field: 'count' }],
    ['data that is not there', ['--metrics', 'fd', '--data', 'nowhere'], { code: 'IO' }],
  ])('refuses %s', async (_, flags, error) => {
    const { code, stdout } = await secateur(['eval', dense, ...quick.slice(2), ...flags]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error });
  });

  it('asks for features where the data brings none, and for pictures of the model’s size', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    mkdirSync(join(folder, 'images'));
    await secateur(['sample', model, '--count', '1', '--steps', '1', '--out', join(folder, 'images/a.png'), '--quiet']);
    const argv = ['eval', model, '--data', join(folder, 'images'), '--metrics', 'fd', ...quick];
    expect(JSON.parse((await secateur(argv)).stdout)).toMatchObject({
      error: { code: 'MISSING_NEED', field: 'features' },
    });
    const clothes = await secateur([
      'eval',
      fixturePath('unet2d-tiny'),
      '--data',
      fashion,
      '--metrics',
      'fd',
      ...quick,
    ]);
    expect(JSON.parse(clothes.stdout)).toMatchObject({ error: { code: 'BAD_DATA' } });
  });

  it('can be cancelled', async () => {
    const controller = new AbortController();
    const argv = ['eval', dense, '--data', fashion, '--metrics', 'fd', '--count', '64', '--data-count', '8'];
    const onStderr = (text: string) => text.includes('sampling') && controller.abort();
    const { code, stdout } = await secateur(argv, { signal: controller.signal, onStderr });
    expect(code).toBe(130);
    expect(stdout).toBe('');
  });

  it('has help with examples', async () => {
    const { stdout } = await secateur(['eval', '--help']);
    expect(stdout).toContain('$ secateur eval smaller/ --reference zoo:fashion-ddpm-32 --data zoo:fashion-mnist');
    expect(stdout).toContain('--features <model>');
  });

  it('is evaluate() of the library', async () => {
    const engine = await nodeEngine();
    const model = await loadModel(dense);
    const features = await loadFeatures('zoo:fashion-classifier', { engine });
    const images = await loadPictures(model, fashion, { count: 8 });
    const options = { engine, features, images, metrics: [fd(), kid({ subsets: 2 })], count: 4, steps: 1 };
    const found = await evaluate(model, options);
    await features.dispose?.();
    const argv = ['eval', dense, '--data', fashion, '--metrics', 'fd,kid', '--option', 'kid.subsets=2', ...quick];
    expect(JSON.parse((await secateur(argv)).stdout).metrics).toEqual(JSON.parse(JSON.stringify(found.metrics)));
  });
});
