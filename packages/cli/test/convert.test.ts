import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, readJson, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const golden = fixturePath('unet2d-tiny/golden.safetensors');

describe('convert', () => {
  it('writes one ONNX file under the name given, which computes what the checkpoint does', async () => {
    const folder = scratch();
    const out = join(folder, 'small.onnx');
    const { code } = await secateur(['convert', fixturePath('unet2d-tiny'), out, '--quiet']);
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual(['small.onnx']);
    expect((await secateur(['check', out, golden])).code).toBe(0);
  });

  it('halves the bytes with fp16, and ONNX written beside a half checkpoint shares them', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const [half, both] = [join(folder, 'half'), join(folder, 'both')];
    expect((await secateur(['convert', model, half, '--dtype', 'fp16', '--quiet'])).code).toBe(0);
    expect((await secateur(['convert', half, both, '--to', 'diffusers,onnx', '--quiet'])).code).toBe(0);
    const size = (...path: string[]) => statSync(join(...path)).size;
    const weights = 'diffusion_pytorch_model.safetensors';
    const header = size(model, weights) - 4 * 177_427;
    expect(Math.abs(size(half, weights) - header - 2 * 177_427)).toBeLessThan(4096);
    expect(size(both, 'model.onnx')).toBeLessThan(150_000);
    // Half precision keeps three digits of each weight.
    expect((await secateur(['check', join(both, 'model.onnx'), golden, '--tolerance', '1e-2'])).code).toBe(0);
  });

  it('copies an untouched checkpoint byte by byte', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    expect((await secateur(['convert', model, join(folder, 'copy'), '--to', 'diffusers,onnx', '--quiet'])).code).toBe(
      0,
    );
    const file = 'diffusion_pytorch_model.safetensors';
    expect(readFileSync(join(folder, 'copy', file)).equals(readFileSync(join(model, file)))).toBe(true);
    expect((await secateur(['check', join(folder, 'copy/model.onnx'), golden])).code).toBe(0);
  });

  it('writes the halves of an autoencoder as optimum has them', async () => {
    const out = join(scratch(), 'onnx');
    const { stdout } = await secateur(['convert', fixturePath('autoencoder-kl'), out, '--to', 'onnx', '--json']);
    const files = ['vae_encoder', 'vae_decoder'].flatMap((half) => [`${half}/model.onnx`, `${half}/config.json`]);
    expect(JSON.parse(stdout).files).toEqual(files);
    const valuesOf = async (half: string) => {
      const inspection = JSON.parse((await secateur(['inspect', join(out, half), '--json'])).stdout);
      return [...inspection.inputs, ...inspection.outputs].map(({ name }: { name: string }) => name);
    };
    expect(await valuesOf('vae_encoder')).toEqual(['sample', 'latent_parameters']);
    expect(await valuesOf('vae_decoder')).toEqual(['latent_sample', 'sample']);
  });

  it.each([
    ['clip', ['input_ids'], ['last_hidden_state', 'pooler_output']],
    ['clip-projection', ['input_ids'], ['text_embeds', 'last_hidden_state']],
    ['t5-gated', ['input_ids', 'attention_mask'], ['last_hidden_state']],
  ])('writes a text encoder with transformers’ names, in half precision too: %s', async (name, inputs, outputs) => {
    const folder = scratch();
    const { config } = readJson(fixturePath(`text-encoders/${name}.json`)) as { config: object };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const model = join(folder, 'model');
    expect((await secateur(['init', join(folder, 'config.json'), '--out', model, '--quiet'])).code).toBe(0);
    const out = join(folder, 'half');
    const { code } = await secateur(['convert', model, out, '--to', 'diffusers,onnx', '--dtype', 'fp16', '--quiet']);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.onnx', 'model.safetensors']);
    const inspection = JSON.parse((await secateur(['inspect', join(out, 'model.onnx'), '--json'])).stdout);
    const hidden = config && 'num_hidden_layers' in config ? [0, 1, 2].map((i) => `hidden_states.${i}`) : [];
    expect(inspection.inputs.map((value: { name: string }) => value.name)).toEqual(inputs);
    expect(inspection.outputs.map((value: { name: string }) => value.name)).toEqual([...outputs, ...hidden]);
    const bench = await secateur(['bench', join(out, 'model.onnx'), '--json', '--quiet']);
    expect(bench.code, bench.stderr).toBe(0);
  });

  it('refuses what it cannot write, and touches nothing', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const before = snapshot(folder);
    const onnx = fixturePath('unet2d-tiny/model.onnx');
    for (const argv of [
      [onnx, join(folder, 'out'), '--to', 'diffusers'],
      [model, join(folder, 'out.safetensors')],
      [model, join(folder, 'out.onnx'), '--to', 'diffusers'],
      [model, model],
      [model, join(folder, 'out'), '--dtype', 'int8'],
    ]) {
      const { code, stderr } = await secateur(['convert', ...argv]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: /);
    }
    expect(snapshot(folder)).toEqual(before);
  });
});
