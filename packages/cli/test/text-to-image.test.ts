import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { decodePng, encodePng } from '@secateur/pipelines';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { existsSync, fixturePath, join, scratch, secateur, snapshot } from './run-cli.js';

const tokenizer = fixturePath('pipelines/tokenizer');
const home = mkdtempSync(join(tmpdir(), 'secateur-sd-'));
const model = join(home, 'sd');
let folder: string;

beforeEach(() => {
  folder = scratch();
});

afterAll(() => rmSync(home, { recursive: true }));

beforeAll(async () => {
  const argv = ['init', fixturePath('pipelines/sd'), '--tokenizer', tokenizer, '--out', model, '--json'];
  const { code, stdout } = await secateur(argv);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    seed: 0,
    parts: [
      { name: 'text_encoder', className: 'CLIPTextModel' },
      { name: 'unet', className: 'UNet2DConditionModel', parameters: 51_684 },
      { name: 'vae', className: 'AutoencoderKL' },
    ],
  });
});

const sample = (...argv: string[]) => secateur(['sample', model, '--steps', '2', '--quiet', ...argv]);

describe('init', () => {
  it('makes a whole pipeline, and names a part that is not there', async () => {
    for (const path of ['model_index.json', 'scheduler/scheduler_config.json', 'tokenizer/vocab.json']) {
      expect(existsSync(join(model, path))).toBe(true);
    }
    const before = snapshot(folder);
    const { code, stdout } = await secateur([
      'init',
      fixturePath('pipelines/sd'),
      '--out',
      join(folder, 'b'),
      '--json',
    ]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'BAD_FILE',
      field: 'tokenizer',
      hint: expect.stringContaining('--tokenizer'),
    });
    expect(snapshot(folder)).toEqual(before);
  });
});

describe('sample', () => {
  it('draws a row for each prompt, of flags and of a file', async () => {
    const [out, prompts] = [join(folder, 'grid.png'), join(folder, 'prompts.txt')];
    writeFileSync(prompts, '# what to draw\nthe sea\n\n  a red sneaker  \n');
    const argv = ['--prompt', '', '--prompts', prompts, '--count', '2', '--negative', 'blurry', '--guidance', '3'];
    const { code, stdout } = await sample(...argv, '--json', '--out', out);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      count: 6,
      steps: 2,
      sampler: 'PNDMScheduler',
      guidance: 3,
      prompts: ['', 'the sea', 'a red sneaker'],
    });
    // Three rows of two pictures of 16 pixels, gaps of 2.
    expect(decodePng(readFileSync(out))).toMatchObject({ width: 34, height: 52, channels: 1 });
  });

  it('starts from a picture, takes other parts, and holds one model at a time', async () => {
    const picture = join(folder, 'photo.png');
    writeFileSync(picture, encodePng([{ width: 24, height: 16, channels: 1, data: new Uint8Array(384).fill(90) }]));
    const draw = async (name: string, ...argv: string[]) => {
      const out = join(folder, name);
      const { code, stderr } = await sample('--prompt', 'the sea', '--out', out, ...argv);
      expect([code, stderr]).toEqual([0, '']);
      return readFileSync(out);
    };
    const fromPicture = ['--image', picture, '--strength', '0.5', '--seed', '3'];
    const plain = await draw('a.png', ...fromPicture);
    expect(decodePng(plain)).toMatchObject({ width: 24, height: 16 });
    expect(await draw('b.png', ...fromPicture, '--offload', '--batch', '1')).toEqual(plain);
    expect(await draw('c.png', ...fromPicture, '--with', `unet=${join(model, 'unet')}`)).toEqual(plain);
    const other = join(folder, 'other');
    await secateur(['init', fixturePath('pipelines/sd/unet'), '--seed', '9', '--out', other, '--quiet']);
    expect(await draw('d.png', ...fromPicture, '--with', `unet=${other}`)).not.toEqual(plain);
  });

  it('says what a prompt lost', async () => {
    const { code, stderr } = await sample('--prompt', 'the sea, '.repeat(40), '--out', join(folder, 'a.png'));
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^warning: The prompt is longer than the 77 tokens that text_encoder takes; left out: "the sea,/,
    );
  });

  it('draws with the zoo’s model, dense and pruned, from the same noise', async () => {
    const pruned = join(folder, 'pruned');
    const cut = ['--method', 'magnitude', '--ratio', '0.1', '--no-latency', '--out', pruned, '--quiet'];
    expect((await secateur(['prune', 'zoo:fashion-sd', ...cut])).code).toBe(0);
    for (const place of ['zoo:fashion-sd', pruned]) {
      const out = join(folder, `${place.length}.png`);
      const argv = ['--prompt', 'a photo of a sneaker', '--prompt', 'a dress', '--steps', '2', '--json', '--out', out];
      const { code, stdout } = await secateur(['sample', place, ...argv]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ count: 2, steps: 2, sampler: 'DDIMScheduler', guidance: 7.5 });
      expect(decodePng(readFileSync(out))).toMatchObject({ width: 66, height: 32, channels: 1 });
    }
  });

  it.each([
    [[], 'prompt', /needs a prompt/],
    [['--prompts', 'absent.txt'], undefined, /absent\.txt does not exist/],
    [['--prompt', 'x', '--with', 'unet'], 'with', /names no part/],
    [['--prompt', 'x', '--label', '1'], 'classLabels', /takes no labels/],
    [['--prompt', 'x', '--width', '15'], 'width', /multiple of 2/],
    [['--prompt', 'x', '--sampler', 'magic'], 'sampler', /"magic" is unknown/],
    [['--prompt', 'x', '--image', 'absent.png'], undefined, /absent\.png cannot be read/],
  ])('refuses %j', async (argv, field, message) => {
    const before = snapshot(folder);
    const { code, stdout } = await sample(...argv, '--json', '--out', join(folder, 'a.png'));
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout);
    expect(error.message).toMatch(message);
    expect(error.field).toBe(field);
    expect(snapshot(folder)).toEqual(before);
  });
});
