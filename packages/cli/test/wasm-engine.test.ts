import { type Model, sampleFeeds } from '@secateur/core';
import { type Tensor, toFloat32 } from '@secateur/graph';
import { nodeEngine, wasmEngineInNode } from '@secateur/runtime/node';
import { relativeError, seededRandom } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { loadModel } from '../src/index.js';
import { fixturePath, secateur } from './run-cli.js';

const folders = [
  'unet2d-tiny',
  'unet2d-cond-sd1',
  'unet2d-cond-sdxl',
  'dit',
  'autoencoder-kl',
  'pixart',
  'sd3',
  'flux',
];
const models: readonly (readonly [string, string])[] = [
  ...folders.map((name) => [name, name] as const),
  ['unet2d-tiny/model.onnx', 'unet2d-tiny'],
  ['zoo:fashion-ddpm-32', 'fashion-ddpm-32'],
];

it.each(models)("engine wasm computes PyTorch's outputs of %s to 1e-5", async (model, golden) => {
  const path = model.startsWith('zoo:') ? model : fixturePath(model);
  const reference = fixturePath(`${golden}/golden.safetensors`);
  // A tenth of what is promised: Winograd F(4x4) rounds at some 1e-6 where a plain sum rounds at 1e-7.
  const ran = await secateur(['check', path, reference, '--engine', 'wasm', '--tolerance', '1e-5', '--json']);
  expect(ran.code, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, tensors: [{ tensor: 'out' }] });
});

/** Feeds of the model's usual size, noise where they are numbers. */
function noisyFeeds(model: Pick<Model, 'graph' | 'sizes'>, batch: number): Record<string, Tensor> {
  const random = seededRandom(batch);
  const feeds = sampleFeeds(model, batch);
  for (const { dtype, data } of Object.values(feeds)) {
    if (dtype === 'float32') for (let i = 0; i < data.length; i++) data[i] = 2 * random() - 1;
  }
  return feeds;
}

it.each(['unet2d-tiny', 'unet2d-cond-sd1', 'unet2d-cond-sdxl', 'dit', 'autoencoder-kl'])(
  'engine wasm agrees with onnxruntime on %s, whatever the batch',
  async (name) => {
    const { graph, ...model } = await loadModel(fixturePath(name));
    const engines = [await nodeEngine({ threads: 1 }), await wasmEngineInNode()];
    const [reference, ours] = await Promise.all(engines.map((engine) => engine.compile(graph)));
    for (const batch of [1, 4]) {
      const feeds = noisyFeeds({ ...model, graph }, batch);
      const expected = await reference!.run(feeds);
      const actual = await ours!.run(feeds);
      for (const [output, value] of Object.entries(expected)) {
        expect(relativeError(toFloat32(actual[output]!), toFloat32(value))).toBeLessThan(1e-5);
      }
    }
    await Promise.all([reference!.dispose(), ours!.dispose()]);
  },
);

it.each(['unet2d-tiny', 'unet2d-cond-sd1', 'dit'])(
  'engine wasm computes the gradients of %s, weights being activations there',
  async (name) => {
    const golden = fixturePath(`${name}/golden.safetensors`);
    const ran = await secateur(['check', fixturePath(name), golden, '--engine', 'wasm', '--grad', '--json']);
    expect(ran.code, ran.stdout).toBe(0);
  },
);
