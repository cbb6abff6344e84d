import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { atomicFile, nodeFile } from '@secateur/core/node';
import { float32, int64, sizeOf } from '@secateur/graph';
import { readSafetensors, writeSafetensors } from '@secateur/safetensors';
import { seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, readJson, scratch, secateur } from './run-cli.js';

/** A small Stable Diffusion 1 checkpoint with its original keys and random weights. */
async function checkpoint(folder: string): Promise<string> {
  const { keys } = readJson(fixturePath('single-files/sd1.json')) as { keys: Record<string, number[]> };
  const random = seededRandom(1);
  const path = join(folder, 'small-v1.safetensors');
  const file = await atomicFile(path);
  const tensors = Object.entries(keys).map(([name, shape]) => {
    const value = float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => 0.1 * (random() - 0.5)),
    );
    return { name, dtype: value.dtype, shape, read: async () => value };
  });
  await writeSafetensors(file, tensors);
  await file.commit();
  return path;
}

const quick = ['--no-latency', '--no-pictures', '--quiet', '--json'];

describe('a checkpoint of one file', () => {
  it.each([
    [[], 'UNet2DConditionModel'],
    [['--component', 'vae'], 'AutoencoderKL'],
    [['--component', 'text_encoder'], 'CLIPTextModel'],
  ])('is inspected: %j', async (more, className) => {
    const model = await checkpoint(scratch());
    const { code, stdout } = await secateur(['inspect', model, '--json', ...more]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ format: 'single-file', className });
  });

  it('is pruned into one of the same name and keys, which is read again', async () => {
    const folder = scratch();
    const model = await checkpoint(folder);
    const out = join(folder, 'out');
    const prune = [
      'prune',
      model,
      '--component',
      'text_encoder',
      '--method',
      'magnitude',
      '--ratio',
      '0.5',
      '--out',
      out,
    ];
    const { code, stdout, stderr } = await secateur([...prune, ...quick]);
    expect(code, stderr).toBe(0);
    expect(readdirSync(out).sort()).toEqual([
      'README.md',
      'report.html',
      'report.json',
      'secateur.json',
      'small-v1.safetensors',
    ]);
    const keysOf = async (path: string) => [...(await readSafetensors(await nodeFile(path))).tensors.keys()].sort();
    const written = join(out, 'small-v1.safetensors');
    expect(await keysOf(written)).toEqual(await keysOf(model));
    const again = JSON.parse((await secateur(['inspect', written, '--component', 'text_encoder', '--json'])).stdout);
    const { after, before } = JSON.parse(stdout);
    expect(again.parameters).toBe(after.parameters);
    expect(after.parameters).toBeLessThan(before.parameters);
    const unet = JSON.parse((await secateur(['inspect', written, '--json'])).stdout);
    expect(unet.parameters).toBe(JSON.parse((await secateur(['inspect', model, '--json'])).stdout).parameters);
  });

  it('is compared with another, one model of each', async () => {
    const folder = scratch();
    const model = await checkpoint(folder);
    const out = join(folder, 'out');
    const prune = ['prune', model, '--component', 'vae', '--method', 'magnitude', '--ratio', '0.5', '--out', out];
    expect((await secateur([...prune, ...quick])).code).toBe(0);
    const both = ['compare', model, join(out, 'small-v1.safetensors'), '--no-latency', '--json'];
    const parametersOf = async (more: readonly string[]) => {
      const { models } = JSON.parse((await secateur([...both, ...more])).stdout) as {
        models: { parameters: number }[];
      };
      return models.map(({ parameters }) => parameters);
    };
    const [dense, pruned] = await parametersOf(['--component', 'vae']);
    expect(pruned).toBeLessThan(dense!);
    const [unet, same] = await parametersOf([]);
    expect(same).toBe(unet);
    expect(unet).not.toBe(dense);
  });

  it('is evaluated, one model of it: output errors on inputs and targets as they are given', async () => {
    const folder = scratch();
    const model = await checkpoint(folder);
    const file = await atomicFile(join(folder, 'data.safetensors'));
    const values = {
      'in.input_ids': int64([3, 1, 4, 1, 5, 9], [2, 3]),
      target: float32([2, 3, 64], Float32Array.from({ length: 384 }, seededRandom(2))),
    };
    const tensors = Object.entries(values).map(([name, value]) => {
      return { name, dtype: value.dtype, shape: value.shape, read: async () => value };
    });
    await writeSafetensors(file, tensors);
    await file.commit();
    const data = ['--data', join(folder, 'data.safetensors'), '--reference', model, '--metrics', 'output-error'];
    const argv = ['eval', model, '--component', 'text_encoder', ...data, '--json', '--quiet'];
    const { code, stdout, stderr } = await secateur(argv);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).outputErrors).toEqual([expect.objectContaining({ mse: 0 })]);
  });

  it('becomes a folder of one of its models', async () => {
    const folder = scratch();
    const model = await checkpoint(folder);
    const out = join(folder, 'vae');
    const { code } = await secateur(['convert', model, out, '--component', 'vae', '--to', 'diffusers', '--quiet']);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['config.json', 'diffusion_pytorch_model.safetensors']);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({ _class_name: 'AutoencoderKL' });
  });

  it.each([
    ['v1.ckpt', [], /v1\.ckpt is a pickle/],
    ['small-v1.safetensors', ['--component', 'prior'], /no component "prior"[\s\S]*It holds unet, vae, text_encoder/],
    ['other.safetensors', [], /no config\.json beside it, and its keys are not those/],
  ])('is refused clearly: %s %j', async (name, more, message) => {
    const folder = scratch();
    await checkpoint(folder);
    writeFileSync(join(folder, 'v1.ckpt'), 'PK');
    const file = await atomicFile(join(folder, 'other.safetensors'));
    const value = float32([1], [1]);
    await writeSafetensors(file, [{ name: 'w', dtype: 'float32', shape: [1], read: async () => value }]);
    await file.commit();
    const { code, stderr } = await secateur(['inspect', join(folder, name), ...more]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('--component of a pipeline', () => {
  it('opens another model than the denoiser', async () => {
    const folder = scratch();
    const vae = join(folder, 'vae');
    expect((await secateur(['convert', fixturePath('autoencoder-kl'), vae, '--quiet'])).code).toBe(0);
    const index = { unet: ['diffusers', 'UNet2DModel'], vae: ['diffusers', 'AutoencoderKL'] };
    writeFileSync(join(folder, 'model_index.json'), JSON.stringify(index));
    const { stdout } = await secateur(['inspect', folder, '--component', 'vae', '--json']);
    expect(JSON.parse(stdout).className).toBe('AutoencoderKL');
    const { code, stderr } = await secateur(['inspect', folder, '--component', 'text_encoder']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('It has unet, vae.')]);
  });
});
