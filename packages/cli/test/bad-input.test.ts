import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { encodePng } from '@secateur/pipelines';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const quick = ['--no-latency', '--no-pictures', '--quiet'];

interface Case {
  readonly folder: string;
  readonly model: string;
}

async function setUp(): Promise<Case> {
  const folder = scratch();
  return { folder, model: await tinyModel(folder) };
}

/** Runs a command that must fail: one error, code 2, nothing written or changed, nothing on standard output. */
async function refused(folder: string, argv: readonly string[], message: RegExp): Promise<void> {
  const before = snapshot(folder);
  const { code, stdout, stderr } = await secateur(argv);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).not.toContain('INTERNAL');
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(snapshot(folder)).toEqual(before);
}

function prune({ folder, model }: Case, ...more: string[]): string[] {
  return ['prune', model, '--method', 'magnitude', '--ratio', '0.3', '--out', join(folder, 'out'), ...quick, ...more];
}

const weights = 'diffusion_pytorch_model.safetensors';

/** Writes a safetensors file with a header of one's own over the bytes of the tiny model. */
function withHeader(model: string, change: (header: Record<string, { data_offsets: number[] }>) => void): void {
  const path = join(model, weights);
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  change(header);
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([size, json, file.subarray(8 + length)]));
}

describe('a bad model', () => {
  it('is told when the safetensors file is cut short', async () => {
    const at = await setUp();
    const path = join(at.model, weights);
    writeFileSync(path, readFileSync(path).subarray(0, 200_000));
    await refused(at.folder, prune(at), new RegExp(weights));
  });

  it('is told when two tensors overlap', async () => {
    const at = await setUp();
    withHeader(at.model, (header) => {
      const [first, second] = Object.values(header).filter((entry) => entry.data_offsets);
      second!.data_offsets = first!.data_offsets;
    });
    await refused(at.folder, prune(at), new RegExp(weights));
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 50_000)],
    ['of noise', () => Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) % 256))],
    ['empty', () => Buffer.alloc(0)],
  ])('is told when the ONNX file is %s', async (_, change) => {
    const folder = scratch();
    const model = join(folder, 'model.onnx');
    writeFileSync(model, change(readFileSync(fixturePath('unet2d-tiny/model.onnx'))));
    await refused(folder, prune({ folder, model }), /model\.onnx/);
  });

  it.each([
    ['an unknown class', { _class_name: 'UNet4DModel' }, /UNet4DModel/],
    ['an unknown field', { block_out_chanels: [1] }, /block_out_chanels/],
    ['widths that are not those of the weights', { block_out_channels: [16, 64] }, /./],
  ])('is told when config.json has %s', async (_, change, message) => {
    const at = await setUp();
    const path = join(at.model, 'config.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
    await refused(at.folder, prune(at), message);
  });

  it('is told when weights hold NaN', async () => {
    const at = await setUp();
    const path = join(at.model, weights);
    const file = readFileSync(path);
    file.writeFloatLE(Number.NaN, file.length - 4 * 1000);
    writeFileSync(path, file);
    await refused(at.folder, prune(at), /NaN/);
  });

  it('is told when there is none', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'empty'));
    await refused(folder, prune({ folder, model: join(folder, 'empty') }), /no model/);
    await refused(folder, prune({ folder, model: join(folder, 'nowhere') }), /does not exist/);
  });

  it('is told when a link leaves its folder', async () => {
    const at = await setUp();
    const lonely = join(at.folder, 'lonely');
    mkdirSync(lonely);
    copyFileSync(join(at.model, 'config.json'), join(lonely, 'config.json'));
    symlinkSync(join(at.model, weights), join(lonely, weights));
    await refused(at.folder, prune({ folder: at.folder, model: lonely }), /leaves the model's folder/);
  });
});

describe('bad images', () => {
  const needsData = ['--method', 'taylor', '--samples', '1'];

  it('are told when the folder is empty, missing, or holds other files', async () => {
    const at = await setUp();
    const images = join(at.folder, 'images');
    mkdirSync(images);
    await refused(at.folder, prune(at, ...needsData, '--data', images), /no picture/);
    writeFileSync(join(images, 'notes.txt'), 'hello');
    await refused(at.folder, prune(at, ...needsData, '--data', images), /no picture/);
    await refused(at.folder, prune(at, ...needsData, '--data', join(at.folder, 'nowhere')), /does not exist/);
  });

  it('are told when the size or the number of channels is wrong', async () => {
    const at = await setUp();
    const images = join(at.folder, 'images');
    mkdirSync(images);
    const picture = (size: number, channels: number) =>
      encodePng([{ width: size, height: size, channels, data: new Uint8Array(size * size * channels) }]);
    writeFileSync(join(images, 'a.png'), picture(8, 3));
    await refused(at.folder, prune(at, ...needsData, '--data', images), /a\.png.*8×8/);
    writeFileSync(join(images, 'a.png'), picture(16, 1));
    await refused(at.folder, prune(at, ...needsData, '--data', images), /a\.png/);
    writeFileSync(join(images, 'a.png'), picture(16, 3).subarray(0, 60));
    await refused(at.folder, prune(at, ...needsData, '--data', images), /a\.png/);
  });

  it('are missed when the criterion needs them', async () => {
    const at = await setUp();
    await refused(at.folder, prune(at, '--method', 'taylor'), /--data/);
  });
});

describe('bad options', () => {
  it.each([
    [['--ratio', '1'], /outside \[0, 1\)/],
    [['--ratio', '-0.1'], /outside \[0, 1\)/],
    [['--ratio', 'half'], /number/],
    [['--ratio', '0.999', '--selector', 'local', '--norm-groups', 'nonsense'], /choices/],
    [['--round-to', '0'], /whole number/],
    [['--max-ratio', '2'], /\(0, 1\]/],
    [['--space', 'walls'], /no space/],
    [['--method', 'no-such'], /no method or criterion/],
    [['--layer-ratio', 'nothing.matches=0.5'], /matches/],
    [['--layer-ratio', 'conv_in.weight'], /not understood/],
    [['--emit', 'gguf'], /gguf/],
    [['--dtype', 'int3'], /int3/],
    [['--p', '0.5'], /p/],
    [['--option', 'q=2'], /no option "q"/],
  ])('%j is refused', async (more, message) => {
    const at = await setUp();
    await refused(at.folder, prune(at, ...more), message);
  });

  it('a budget is refused beside a ratio, and when it cannot be met', async () => {
    const at = await setUp();
    await refused(at.folder, prune(at, '--budget', 'macs=0.5'), /cannot be used with/);
    const alone = prune(at).filter((word) => word !== '--ratio' && word !== '0.3');
    await refused(at.folder, [...alone, '--budget', 'macs=0.0001'], /largest possible cut/i);
    await refused(at.folder, [...alone, '--budget', 'speed=2'], /not understood/);
    await refused(at.folder, alone, /Neither --ratio nor --budget/);
  });
});

describe('a bad output', () => {
  it('is refused when it exists', async () => {
    const at = await setUp();
    mkdirSync(join(at.folder, 'out'));
    writeFileSync(join(at.folder, 'out/precious.txt'), 'mine');
    await refused(at.folder, prune(at), /exists and is not empty/);
  });

  it('is refused when it is the input, inside it or around it, also with --replace', async () => {
    const at = await setUp();
    for (const out of [at.model, join(at.model, 'inner'), at.folder]) {
      await refused(at.folder, prune(at, '--out', out, '--replace'), /input/);
    }
  });

  it('is missed when it is not named', async () => {
    const at = await setUp();
    await refused(at.folder, ['prune', at.model, '--method', 'magnitude', '--ratio', '0.3', ...quick], /--out/);
  });
});

describe('a bad plugin', () => {
  const criterion = (body: string) => `
    import { defineCriterion, weights } from '@secateur/core';
    export const bad = defineCriterion({
      name: 'bad', apiVersion: 1, defaults: {}, units: ['channel', 'head', 'head-dim'], needs: [weights()],
      score: (group) => { ${body} },
    });`;

  it.each([
    ['throws', criterion("throw new Error('out of luck');"), /bad.*out of luck/],
    ['returns too few scores', criterion('return new Float32Array(group.size - 1);'), /bad.*returned \d+ scores/],
    ['scores NaN', criterion('return new Float32Array(group.size).fill(Number.NaN);'), /bad.*NaN/],
    ['returns something else', criterion("return 'scores';"), /Float32Array/],
    ['throws while loading', "throw new Error('not today');", /not today/],
    ['does not parse', 'export const = 3;', /bad\.ts/],
    ['exports nothing of use', 'export const answer = 42;', /exports no plugin/],
    [
      'takes a name that is taken',
      criterion('return new Float32Array(group.size);').replace("'bad'", "'magnitude'"),
      /both define/,
    ],
    [
      'is for another API',
      criterion('return new Float32Array(group.size);').replace('apiVersion: 1', 'apiVersion: 9'),
      /API 9/,
    ],
  ])('is named when it %s', async (_, source, message) => {
    const at = await setUp();
    const plugin = join(at.folder, 'bad.ts');
    writeFileSync(plugin, source);
    await refused(at.folder, prune(at, '--method', 'bad', '--plugin', plugin), message);
  });

  it('is named when a selector would empty a group', async () => {
    const at = await setUp();
    const plugin = join(at.folder, 'bad.ts');
    writeFileSync(
      plugin,
      `import { defineSelector } from '@secateur/core';
       export const all = defineSelector({
         name: 'all', apiVersion: 1, defaults: {},
         select: ({ groups }) => new Map(groups.map((group) => [group.id, Array.from({ length: group.size }, (_, unit) => unit)])),
       });`,
    );
    await refused(at.folder, prune(at, '--selector', 'all', '--plugin', plugin), /keep 0 channels|empt/);
  });

  it('is told when it is not there', async () => {
    const at = await setUp();
    await refused(at.folder, prune(at, '--plugin', './nowhere.ts'), /nowhere\.ts/);
    await refused(at.folder, prune(at, '--plugin', 'secateur-plugin-that-nobody-wrote'), /cannot be found/);
  });
});

describe('cancelling', () => {
  it('ends with 130 and leaves nothing behind', async () => {
    const at = await setUp();
    const images = join(at.folder, 'images');
    mkdirSync(images);
    writeFileSync(
      join(images, 'a.png'),
      encodePng([{ width: 16, height: 16, channels: 3, data: new Uint8Array(768) }]),
    );
    const before = snapshot(at.folder);
    const controller = new AbortController();
    const { code, stdout } = await secateur(
      [
        'prune',
        at.model,
        '--method',
        'taylor',
        '--ratio',
        '0.3',
        '--data',
        images,
        '--samples',
        '1',
        '--out',
        join(at.folder, 'out'),
      ],
      { signal: controller.signal, onStderr: (text) => /gradients/.test(text) && controller.abort() },
    );
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(snapshot(at.folder)).toEqual(before);
  });
});
