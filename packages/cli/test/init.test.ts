import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, scratch, secateur, snapshot } from './run-cli.js';

const config = fixturePath('unet2d-tiny/config.json');

describe('init', () => {
  it('writes a checkpoint of the configuration, the same for the same seed', async () => {
    const folder = scratch();
    for (const [out, seed] of [
      ['a', '7'],
      ['b', '7'],
      ['c', '8'],
    ] as const) {
      const { code } = await secateur(['init', config, '--out', join(folder, out), '--seed', seed]);
      expect(code).toBe(0);
    }
    const weights = (out: string) => readFileSync(join(folder, out, 'diffusion_pytorch_model.safetensors'));
    expect(weights('a').equals(weights('b'))).toBe(true);
    expect(weights('a').equals(weights('c'))).toBe(false);
    expect(JSON.parse((await secateur(['inspect', join(folder, 'a'), '--json'])).stdout).parameters).toBe(177_427);
  });

  it('names the file and the field that are wrong', async () => {
    const folder = scratch();
    const bad = join(folder, 'config.json');
    writeFileSync(bad, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), layers_per_block: 'two' }));
    const before = snapshot(folder);
    const { code, stdout } = await secateur(['init', bad, '--out', join(folder, 'out'), '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'BAD_CONFIG', file: bad, field: 'layers_per_block' });
    expect(snapshot(folder)).toEqual(before);
  });
});
