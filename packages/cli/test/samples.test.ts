import { cpSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { float32, type Tensor } from '@secateur/graph';
import { writeSafetensors } from '@secateur/safetensors';
import { fixturePath, seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { loadModel, loadSamples } from '../src/index.js';
import { join, scratch, secateur } from './run-cli.js';

const quick = ['--no-latency', '--no-pictures', '--quiet', '--json'];

/** A model that takes a prompt, as a folder of one's own. */
function conditionalModel(folder: string): string {
  const model = join(folder, 'model');
  for (const file of ['config.json', 'diffusion_pytorch_model.safetensors']) {
    cpSync(fixturePath(`unet2d-cond-sd1/${file}`), join(model, file));
  }
  return model;
}

async function writeTensors(path: string, tensors: Readonly<Record<string, Tensor>>): Promise<string> {
  const file = await open(path, 'w');
  const sink = { write: async (bytes: Uint8Array) => void (await file.write(bytes)), close: () => file.close() };
  const list = Object.entries(tensors).map(([name, tensor]) => ({
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    read: async () => tensor,
  }));
  await writeSafetensors(sink, list);
  await sink.close();
  return path;
}

function noise(shape: number[], seed: number): Tensor {
  const random = seededRandom(seed);
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random() - 1),
  );
}

describe('calibration data in a .safetensors file', () => {
  it('makes clean samples noisy and hands every sample its own condition', async () => {
    const folder = scratch();
    const prompts = noise([3, 5, 32], 2);
    const data = await writeTensors(join(folder, 'data.safetensors'), {
      sample: noise([3, 4, 16, 16], 1),
      encoder_hidden_states: prompts,
    });
    const model = await loadModel(conditionalModel(folder));
    const calibration = await loadSamples(model, data, { samples: 2, seed: 4 });
    const batches = [];
    for await (const batch of calibration.batches({ timesteps: [5, 900], batchSize: 3 })) batches.push(batch);
    // Samples 0 and 1 at 5, 0 at 900; then 1 at 900.
    expect(batches.map(({ timesteps }) => timesteps)).toEqual([[5, 5, 900], [900]]);
    const row = (i: number) => [...(prompts.data as Float32Array).slice(i * 160, (i + 1) * 160)];
    const given = batches.map(({ feeds }) => [...(feeds.encoder_hidden_states!.data as Float32Array)]);
    expect(given).toEqual([[...row(0), ...row(1), ...row(0)], row(1)]);
    expect(batches[0]!.feeds.sample!.shape).toEqual([3, 4, 16, 16]);
    expect(await calibration.describe()).toMatchObject({ source: 'data.safetensors', samples: 2 });
  });

  it('lets criteria that look at activations prune a model with a prompt', async () => {
    const folder = scratch();
    const model = conditionalModel(folder);
    const data = await writeTensors(join(folder, 'data.safetensors'), {
      sample: noise([2, 4, 8, 8], 1),
      encoder_hidden_states: noise([2, 5, 32], 2),
    });
    const out = join(folder, 'out');
    const argv = ['prune', model, '--method', 'wanda', '--space', '2:4', '--data', data, '--out', out, ...quick];
    const { code, stdout } = await secateur(argv);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).outputErrors).toHaveLength(8);
  });

  it('takes inputs and answers as they are: gradients of the loss of a golden file', async () => {
    const folder = scratch();
    const model = conditionalModel(folder);
    const data = fixturePath('unet2d-cond-sd1/golden.safetensors');
    const out = join(folder, 'out');
    const argv = ['prune', model, '--method', 'taylor', '--ratio', '0.25', '--data', data, '--out', out];
    const { code, stdout, stderr } = await secateur([...argv, '--samples', '2', ...quick]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { before, after } = JSON.parse(stdout);
    expect(after.parameters).toBeLessThan(before.parameters);
  });

  it('says which tensor is missing, and writes nothing', async () => {
    const folder = scratch();
    const model = conditionalModel(folder);
    const data = await writeTensors(join(folder, 'data.safetensors'), { sample: noise([2, 4, 8, 8], 1) });
    const out = join(folder, 'out');
    const { code, stderr } = await secateur([
      ...['prune', model, '--method', 'taylor', '--ratio', '0.25', '--data', data, '--out', out, '--quiet'],
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('has no tensor "encoder_hidden_states"');
  });

  it('says that a condition needs a row for every sample', async () => {
    const folder = scratch();
    const data = await writeTensors(join(folder, 'data.safetensors'), {
      sample: noise([3, 4, 8, 8], 1),
      encoder_hidden_states: noise([2, 5, 32], 2),
    });
    const model = await loadModel(conditionalModel(folder));
    await expect(loadSamples(model, data)).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      field: 'encoder_hidden_states',
    });
  });
});
