import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fashionClasses, readIdx, zooEntries } from '../src/index.js';
import { zooPath } from '../src/node.js';

describe('zooEntries', () => {
  it.each(zooEntries.map((entry) => [entry.name, entry] as const))('%s is there, with its card', (name, entry) => {
    expect(statSync(zooPath(name)).isDirectory()).toBe(entry.kind === 'model');
    const card = readFileSync(
      fileURLToPath(new URL(`../data/${entry.path.split('/')[0]}/README.md`, import.meta.url)),
      'utf8',
    );
    expect(card).toContain(entry.license);
  });

  it.each([
    ['fashion-ddpm-32', 'DDPMPipeline', { unet: 3_939_393 }],
    ['fashion-dit', 'DiTPipeline', { transformer: 2_818_448 }],
    ['fashion-sd', 'StableDiffusionPipeline', { unet: 4_473_572, text_encoder: 3_317_120, vae: 657_221 }],
  ])('%s is a diffusers pipeline with the parameters that its card states', (name, pipeline, components) => {
    const folder = zooPath(name);
    const card = readFileSync(`${folder}/README.md`, 'utf8');
    expect(JSON.parse(readFileSync(`${folder}/model_index.json`, 'utf8'))._class_name).toBe(pipeline);
    for (const [component, count] of Object.entries(components)) {
      const weights = component === 'text_encoder' ? 'model' : 'diffusion_pytorch_model';
      expect(parametersOf(`${folder}/${component}/${weights}.safetensors`)).toBe(count);
      expect(card).toContain(count.toLocaleString('en-US'));
    }
  });

  it('the classifier is as small as its card says', () => {
    const path = zooPath('fashion-classifier');
    expect(statSync(path).size).toBe(281_948);
    expect(readFileSync(path.replace('model.onnx', 'README.md'), 'utf8')).toContain('282 kB');
  });

  it('features that images name are there', () => {
    for (const { features } of zooEntries) {
      if (features === undefined) continue;
      expect(zooEntries.find(({ name }) => name === features)?.kind).toBe('features');
    }
  });

  it('the labels number the classes', async () => {
    const labels = zooPath('fashion-mnist').replace('images-idx3', 'labels-idx1');
    const { shape, data } = await readIdx(gunzipSync(readFileSync(labels)));
    expect(shape).toEqual([10_000]);
    for (let name = 0; name < fashionClasses.length; name++)
      expect(data.filter((label) => label === name).length).toBe(1000);
  });

  it('refuses a name it does not have', () => {
    expect(() => zooPath('nope')).toThrow(
      'The zoo has no "nope"; it has fashion-ddpm-32, fashion-dit, fashion-sd, fashion-mnist, fashion-classifier.',
    );
  });
});

/** Elements of all float32 tensors of a safetensors file, by its header. */
function parametersOf(path: string): number {
  const file = readFileSync(path);
  const { __metadata__, ...header } = JSON.parse(file.toString('utf8', 8, 8 + Number(file.readBigUInt64LE(0))));
  let parameters = 0;
  for (const { dtype, shape } of Object.values<{ dtype: string; shape: number[] }>(header)) {
    expect(dtype).toBe('F32');
    parameters += shape.reduce((size, dim) => size * dim, 1);
  }
  return parameters;
}
