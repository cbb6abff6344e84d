import { expect, it } from 'vitest';
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
