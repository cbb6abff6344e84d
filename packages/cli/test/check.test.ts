import { readFileSync, writeFileSync } from 'node:fs';
import { atomicFile, nodeFile } from '@secateur/core/node';
import { readSafetensors, writeSafetensors } from '@secateur/safetensors';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, scratch, secateur } from './run-cli.js';

const golden = fixturePath('unet2d-tiny/golden.safetensors');

describe('check', () => {
  it.each(['unet2d-tiny', 'unet2d-tiny/model.onnx'])('finds the numbers of PyTorch in %s', async (path) => {
    const { code, stdout } = await secateur(['check', fixturePath(path), golden, '--grad', '--json']);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ ok: true, failed: 0 });
    const names = result.tensors.map(({ tensor }: { tensor: string }) => tensor);
    expect(names).toContain('out');
    expect(names).toContain('loss');
    expect(names).toContain('grad.mid_block.attentions.0.to_q.weight');
  });

  it('compares the output alone without --grad', async () => {
    const { code, stdout } = await secateur(['check', fixturePath('unet2d-tiny'), golden]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^out +\d\.\d\de-\d+ +1e-4 +ok$/m);
    expect(stdout).not.toContain('grad.');
  });

  it('ends with 1 above the tolerance', async () => {
    const { code, stdout } = await secateur(['check', fixturePath('unet2d-tiny'), golden, '--tolerance', '1e-12']);
    expect(code).toBe(1);
    expect(stdout).toContain('TOO FAR');
  });

  it('says which tensor a golden file lacks', async () => {
    const other = fixturePath('unet2d-tiny/diffusion_pytorch_model.safetensors');
    const { code, stderr } = await secateur(['check', fixturePath('unet2d-tiny'), other]);
    expect(code).toBe(2);
    expect(stderr).toContain('in.sample');
  });
});

describe('check of a model in parts', () => {
  const folder = fixturePath('autoencoder-kl');
  const goldenOf = (name: string) => fixturePath(`autoencoder-kl/${name}.safetensors`);

  it.each(['golden', 'encoder-golden'])('compares the half whose inputs the file has: %s', async (name) => {
    const { code, stdout } = await secateur(['check', folder, goldenOf(name), '--grad', '--json']);
    expect(code).toBe(0);
    const names = JSON.parse(stdout).tensors.map(({ tensor }: { tensor: string }) => tensor);
    const own = name === 'golden' ? 'grad.decoder.conv_in.weight' : 'grad.encoder.conv_in.weight';
    expect(names).toEqual(expect.arrayContaining(['out', 'loss', own]));
  });

  it('takes the file’s one input for the one of a half in ONNX, whose name is another', async () => {
    const out = join(scratch(), 'onnx');
    expect((await secateur(['convert', folder, out, '--to', 'onnx', '--quiet'])).code).toBe(0);
    for (const [half, name] of [
      ['vae_decoder', 'golden'],
      ['vae_encoder', 'encoder-golden'],
    ] as const) {
      const { code } = await secateur(['check', join(out, half, 'model.onnx'), goldenOf(name), '--grad']);
      expect(code).toBe(0);
    }
  });
});

describe('check of a text encoder', () => {
  it('lets every token count where the golden file has no mask', async () => {
    const folder = scratch();
    const config = JSON.parse(readFileSync(fixturePath('text-encoders/t5-relu.json'), 'utf8')).config;
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const out = join(folder, 'model');
    expect((await secateur(['init', join(folder, 'config.json'), '--out', out, '--quiet'])).code).toBe(0);
    // Random weights: the numbers are others, and only the mask is in question.
    const run = async (golden: string) =>
      (await secateur(['check', out, golden, '--tolerance', '10', '--json'])).stdout;
    const tensors = await readSafetensors(await nodeFile(fixturePath('text-encoders/t5-relu.safetensors')));
    const without = join(folder, 'golden.safetensors');
    const file = await atomicFile(without);
    await writeSafetensors(
      file,
      [...tensors.tensors.values()].filter(({ name }) => name !== 'in.attention_mask'),
    );
    await file.commit();
    expect(JSON.parse(await run(without)).tensors).toEqual(
      JSON.parse(await run(fixturePath('text-encoders/t5-relu.safetensors'))).tensors,
    );
  });
});
