import { readdirSync, readFileSync } from 'node:fs';
import { decodePng } from '@secateur/pipelines';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, scratch, secateur, snapshot } from './run-cli.js';

const model = fixturePath('unet2d-tiny');

describe('sample', () => {
  it('writes a grid and the numbers, the same for the same seed', async () => {
    const folder = scratch();
    const argv = (name: string, seed: string) => [
      'sample',
      model,
      '--count',
      '4',
      '--steps',
      '2',
      '--sampler',
      'ddim',
      '--seed',
      seed,
      '--quiet',
      '--out',
      join(folder, `${name}.png`),
      '--raw',
      join(folder, `${name}.safetensors`),
    ];
    expect((await secateur(argv('a', '1'))).code).toBe(0);
    await secateur(argv('b', '1'));
    await secateur(argv('c', '2'));
    const read = (name: string) => readFileSync(join(folder, name));
    // Two by two pictures of 16 pixels with gaps of 2.
    expect(decodePng(read('a.png'))).toMatchObject({ width: 34, height: 34, channels: 3 });
    expect(read('a.safetensors').equals(read('b.safetensors'))).toBe(true);
    expect(read('a.safetensors').equals(read('c.safetensors'))).toBe(false);
  });

  it('takes the usual schedule with a warning where the model names none', async () => {
    const { stderr } = await secateur([
      'sample',
      model,
      '--count',
      '1',
      '--steps',
      '1',
      '--out',
      join(scratch(), 'a.png'),
    ]);
    expect(stderr).toMatch(/^warning: .*scheduler_config\.json/m);
  });

  it('refuses to overwrite, an unknown sampler, and having nothing to write', async () => {
    const folder = scratch();
    const out = join(folder, 'a.png');
    const argv = ['sample', model, '--count', '1', '--steps', '1', '--sampler', 'ddim', '--quiet'];
    expect((await secateur([...argv, '--out', out])).code).toBe(0);
    const before = snapshot(folder);
    expect((await secateur([...argv, '--out', out])).stderr).toContain('--replace');
    expect((await secateur([...argv, '--sampler', 'magic', '--out', join(folder, 'b.png')])).stderr).toContain('magic');
    expect((await secateur(argv)).code).toBe(2);
    expect(snapshot(folder)).toEqual(before);
  });
});

describe('compare', () => {
  it('prints costs side by side, and draws a row of pictures for each', async () => {
    const folder = scratch();
    const onnx = fixturePath('unet2d-tiny/model.onnx');
    const argv = ['compare', model, onnx, '--no-latency', '--count', '2', '--steps', '1', '--quiet'];
    const { code, stdout } = await secateur([...argv, '--json', '--out', join(folder, 'a.html')]);
    expect(code).toBe(0);
    const { models } = JSON.parse(stdout);
    expect(models.map(({ parameters }: { parameters: number }) => parameters)).toEqual([177_427, 177_427]);
    expect(readFileSync(join(folder, 'a.html'), 'utf8').match(/data:image\/png/g)).toHaveLength(2);
    await secateur([...argv, '--out', join(folder, 'a.png')]);
    expect(decodePng(readFileSync(join(folder, 'a.png')))).toMatchObject({ width: 34, height: 34 });
    expect(readdirSync(folder).sort()).toEqual(['a.html', 'a.png']);
  });

  it('needs two models, and an --out of a known kind', async () => {
    expect((await secateur(['compare', model])).code).toBe(2);
    expect((await secateur(['compare', model, model, '--out', join(scratch(), 'a.gif')])).code).toBe(2);
  });
});

describe('bench', () => {
  it('times engines in turn and gives the fields that scripts rely on', async () => {
    const { code, stdout } = await secateur([
      'bench',
      model,
      '--engines',
      'ort,ort-web',
      '--rounds',
      '3',
      '--warmup',
      '1',
      '--json',
      '--quiet',
    ]);
    expect(code).toBe(0);
    const { engines } = JSON.parse(stdout);
    expect(Object.keys(engines)).toEqual(['ort', 'ort-web']);
    for (const { medianMs, minMs, maxMs, peakBytes } of Object.values<Record<string, number>>(engines)) {
      expect(minMs).toBeLessThanOrEqual(medianMs!);
      expect(medianMs).toBeLessThanOrEqual(maxMs!);
      expect(peakBytes).toBeGreaterThan(1e6);
    }
    expect((await secateur(['bench', model, '--engines', 'abacus'])).code).toBe(2);
  });
});
