import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Engine, Model } from '@secateur/core';
import { referenceEngine } from '@secateur/core/conformance';
import { type Dim, float32, GraphBuilder, int, symbol } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { zooImages, zooPath } from '@secateur/zoo/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ModelFeaturesOptions, modelFeatures } from '../../src/index.js';
import { fashionClassifier } from '../support/fashion-features.js';
import { expected } from '../support/reference.js';

/** Channel means, as `[batch, channels]` or `[batch, channels, 1, 1]`, and the pictures themselves. */
function means(options: { channels?: number; batch?: Dim; keepdims?: boolean; extra?: boolean } = {}): Model {
  const { channels = 1, batch = symbol('batch'), keepdims = false, extra = false } = options;
  const b = new GraphBuilder('means');
  const shape = [batch, channels, 2, 2];
  const input = b.input('pixel_values', 'float32', shape);
  const mean = b.op('ReduceMean', [input, b.ints([2, 3])], { keepdims: int(keepdims ? 1 : 0) });
  b.output(mean, 'float32', keepdims ? [batch, channels, 1, 1] : [batch, channels], 'means');
  if (extra) b.output(b.op('Relu', [input]), 'float32', shape, 'map');
  return { name: 'means', graph: b.build(), format: 'onnx', sizes: {}, files: async () => [] };
}

const make = (model: Model, options: Partial<ModelFeaturesOptions> = {}) =>
  modelFeatures(model, { engine: referenceEngine(), ...options });
const four = float32([3, 1, 2, 2], [1, 1, 1, 1, 0, 0.5, 0, -0.5, -1, -1, 0, 0]);

describe('modelFeatures', () => {
  it('runs a model on pictures as they are, in batches', async () => {
    for (const batchSize of [1, 2, 32]) {
      const features = await make(means(), { batchSize });
      expect(features).toMatchObject({ name: 'means', dims: 1 });
      const { shape, data } = await features.extract(four);
      expect(shape).toEqual([3, 1]);
      expect(Array.from(data, Number)).toEqual([1, 0, -0.5]);
    }
  });

  it('fills up a batch that the model fixes', async () => {
    const features = await make(means({ batch: 2 }));
    expect(Array.from((await features.extract(four)).data, Number)).toEqual([1, 0, -0.5]);
  });

  it('prepares pictures, and takes [batch, dims, 1, 1] too', async () => {
    const preprocess = { mean: [0, 0.5, 0.5], std: [1, 0.5, 1] };
    const features = await make(means({ channels: 3, keepdims: true }), { preprocess, name: 'rgb' });
    expect(features).toMatchObject({ name: 'rgb', dims: 3 });
    // In [0, 1]: 1, 0.5, 0.25.
    expect(Array.from((await features.extract(four)).data, Number)).toEqual([1, 1, 0.5, 0.5, 0, 0, 0.25, -0.5, -0.25]);
  });

  it('asks which output where there are several, and refuses what is no vector', async () => {
    const several = means({ extra: true });
    await expect(make(several)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: 'means has several outputs.',
      hint: expect.stringContaining('means [batch,1], map [batch,1,2,2]'),
    });
    expect((await make(several, { output: 'means' })).dims).toBe(1);
    await expect(make(several, { output: 'none' })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(make(several, { output: 'map' })).rejects.toMatchObject({
      message: expect.stringContaining('[batch, 1, 2, 2], not one vector a picture'),
    });
  });

  it('refuses models of something else, and preparations for other channels', async () => {
    const b = new GraphBuilder('means');
    b.output(b.op('Relu', [b.input('ids', 'float32', [symbol('batch'), 7])]), 'float32', [symbol('batch'), 7], 'out');
    const text: Model = { name: 'text', graph: b.build(), format: 'onnx', sizes: {}, files: async () => [] };
    await expect(make(text)).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'features' });
    await expect(make(means(), { preprocess: { mean: [0, 0], std: [1] } })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      field: 'image_mean',
    });
  });

  it('stops between batches', async () => {
    const features = await make(means());
    await expect(features.extract(four, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('the zoo’s classifier', () => {
  let engine: Engine;
  let model: Model;
  beforeAll(async () => {
    [engine, model] = [await nodeEngine(), await fashionClassifier()];
  });

  it('gives the features that PyTorch computes from its weights (1e-4, as all engines)', async () => {
    const features = await modelFeatures(model, { engine });
    expect(features.dims).toBe(64);
    const { data } = await features.extract(await zooImages({ count: 8 }));
    const wanted = expected('classifier.features');
    const largest = Math.max(...wanted.map(Math.abs));
    for (const [i, value] of Array.from(data, Number).entries()) {
      expect(Math.abs(value - wanted[i])).toBeLessThan(1e-4 * largest);
    }
    await features.dispose?.();
  });

  it('names the garment nine times out of ten', async () => {
    const logits = await modelFeatures(model, { engine, output: 'logits' });
    const count = 1000;
    const { data } = await logits.extract(await zooImages({ count }));
    const labels = gunzipSync(readFileSync(zooPath('fashion-mnist').replace('images-idx3', 'labels-idx1'))).subarray(8);
    let right = 0;
    for (let i = 0; i < count; i++) {
      const row = Array.from(data.subarray(i * 10, (i + 1) * 10), Number);
      if (row.indexOf(Math.max(...row)) === labels[i]) right++;
    }
    // 91.96 % of all 10,000, as its card says; 1,000 of them scatter by 1 %.
    expect(Math.abs(right / count - 0.9196)).toBeLessThan(0.03);
    await logits.dispose?.();
  });
});
