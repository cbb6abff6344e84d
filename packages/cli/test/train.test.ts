import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isKept } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { toFloat32 } from '@secateur/graph';
import { encodePng } from '@secateur/pipelines';
import { seededTensor } from '@secateur/testkit';
import type { TrainReport } from '@secateur/train';
import { loadModel } from 'secateur';
import { describe, expect, it } from 'vitest';
import { readMasks } from '../src/prune/masks-file.js';
import { existsSync, fixturePath, join, readJson, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const quick = ['--no-pictures', '--quiet', '--threads', '1'];
/** The fixture has no scheduler beside it. */
const onlyWarning = /^warning: \w+ has no scheduler_config\.json: .*\n$/;
const weights = 'diffusion_pytorch_model.safetensors';

interface Case {
  readonly folder: string;
  readonly model: string;
  readonly images: string;
}

/** The small UNet and a folder of pictures it takes. */
async function setUp(count = 6): Promise<Case> {
  const folder = scratch();
  const images = join(folder, 'images');
  await mkdir(images);
  for (let i = 0; i < count; i++) writeFileSync(join(images, `${i}.png`), picture(i, 16));
  return { folder, model: await tinyModel(folder), images };
}

function picture(seed: number, size: number): Uint8Array {
  const noise = seededTensor(seed, [3 * size * size], 40).data;
  const data = Uint8Array.from(noise, (value) => Math.min(255, Math.max(0, 128 + value)));
  return encodePng([{ width: size, height: size, channels: 3, data }], { columns: 1 });
}

/** A safetensors file of constant float32 tensors. */
function safetensors(tensors: Record<string, [shape: number[], value: number]>): Uint8Array {
  const header: Record<string, unknown> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, [shape, value]] of Object.entries(tensors)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
    parts.push(Buffer.from(data.buffer));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

function finetune({ folder, model, images }: Case, ...more: string[]): string[] {
  const steps = more.includes('--steps') ? [] : ['--steps', '2'];
  return [
    'finetune',
    model,
    '--data',
    images,
    ...steps,
    '--batch',
    '2',
    '--out',
    join(folder, 'out'),
    ...quick,
    ...more,
  ];
}

describe('secateur finetune', () => {
  it('writes a model that loads, and a report with the losses', async () => {
    const given = await setUp();
    const { code, stdout, stderr } = await secateur(finetune(given, '--ema', '0.9', '--min-snr', '5', '--json'));
    expect(stderr).toMatch(onlyWarning);
    expect(code).toBe(0);
    const out = join(given.folder, 'out');
    const told = JSON.parse(stdout) as { losses: number[]; files: string[] };
    expect(told.losses).toHaveLength(2);
    expect(told.files).toEqual([weights, 'config.json', 'secateur.json', 'report.json', 'report.html', 'README.md']);
    expect(readJson(join(out, 'report.json')).losses).toEqual(told.losses);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('Secateur training report');
    expect(readJson(join(out, 'secateur.json'))).toMatchObject({ format: 'secateur-training-1' });
    expect((await loadModel(out)).className).toBe('UNet2DModel');
    expect(existsSync(join(given.folder, '.out.secateur-run'))).toBe(false);
  });

  it('keeps what a pruning run masked at zero, and its masks beside the model', async () => {
    const given = await setUp();
    const sparse = join(given.folder, 'sparse');
    const pruned = await secateur([
      ...['prune', given.model, '--method', 'magnitude', '--space', '2:4', '--ratio', '0.5', '--out', sparse],
      ...['--no-latency', '--no-pictures', '--quiet'],
    ]);
    expect(pruned.stderr).toBe('');
    const some = ['--train', 'mid_block.*'];
    const { code, stderr } = await secateur(finetune({ ...given, model: sparse }, '--lr', '0.01', ...some));
    expect(stderr).toMatch(onlyWarning);
    expect(code).toBe(0);
    const out = join(given.folder, 'out');
    const masks = (await readMasks(await nodeFolder(out)))!;
    expect(masks).toEqual(await readMasks(await nodeFolder(sparse)));
    const { graph } = await loadModel(out);
    let zeros = 0;
    for (const constant of graph.constants.values()) {
      const mask = masks.get(constant.parameter?.name ?? '');
      if (!mask) continue;
      const values = toFloat32(await constant.read());
      for (const [i, value] of values.entries()) {
        if (isKept(mask, i)) continue;
        zeros++;
        if (value !== 0) throw new Error(`${constant.parameter!.name}[${i}] is ${value}.`);
      }
    }
    expect(zeros).toBeGreaterThan(1000);
    const refused = await secateur(finetune({ ...given, model: sparse }, '--lora', '2', '--replace'));
    expect(refused.stderr).toMatch(/masks of its own, which --lora would break/);
  });

  it('fine-tunes and distils models of cut widths', async () => {
    const given = await setUp();
    const smaller = join(given.folder, 'smaller');
    const pruned = await secateur([
      ...['prune', given.model, '--method', 'magnitude', '--ratio', '0.5', '--out', smaller],
      ...['--no-latency', '--no-pictures', '--quiet'],
    ]);
    expect(pruned.code).toBe(0);
    const { code, stderr, stdout } = await secateur([
      ...['distill', smaller, '--teacher', given.model, '--data', given.images, '--steps', '2', '--batch', '2'],
      ...['--json', '--out', join(given.folder, 'out'), ...quick],
    ]);
    expect(stderr).toMatch(onlyWarning);
    expect(code).toBe(0);
    const { terms } = JSON.parse(stdout) as { terms: { name: string; weight: number; losses: number[] }[] };
    expect(terms.map(({ name, weight }) => [name, weight])).toEqual([
      ['denoising', 0.7],
      ['output', 0.3],
    ]);
    const shape = async (path: string) => (await loadModel(path)).graph.constants.get('conv_in.weight')!.shape;
    expect(await shape(join(given.folder, 'out'))).toEqual(await shape(smaller));
    const features = await secateur([
      ...['distill', smaller, '--teacher', given.model, '--data', given.images, '--steps', '2', '--batch', '2'],
      ...['--preset', 'bk-sdm', '--out', join(given.folder, 'other'), ...quick],
    ]);
    expect(features.code).toBe(2);
    expect(features.stderr).toMatch(/The student's .* gives .*, the teacher's/);
  });

  it('trains by SparseDM: the dense model is the teacher, and zeros and masks are those of the pattern', async () => {
    const given = await setUp();
    const argv = (...more: string[]) => [
      ...['distill', given.model, '--method', 'sparsedm', '--data', given.images, '--steps', '3', '--batch', '2'],
      ...['--out', join(given.folder, 'out'), ...quick, ...more],
    ];
    const { code, stderr, stdout } = await secateur(argv('--pattern', '1:4', '--ema', '0.5', '--json'));
    expect(stderr).toMatch(onlyWarning);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as TrainReport & { files: string[] };
    expect(report.terms.map(({ name, weight }) => [name, weight])).toEqual([
      ['denoising', 1],
      ['output', 0.1],
    ]);
    expect(report.maskFlips).toHaveLength(3);
    expect(report.masks!.dense).toContainEqual({
      tensor: 'conv_in.weight',
      reason: '3 input channels are no multiple of 4',
    });
    expect(report.files).toContain('masks.safetensors');
    const out = join(given.folder, 'out');
    const masks = (await readMasks(await nodeFolder(out)))!;
    expect([...masks.keys()].sort()).toEqual(Object.keys(report.masks!.sparsity).sort());
    const { graph } = await loadModel(out);
    for (const { parameter, shape, read } of graph.constants.values()) {
      const mask = masks.get(parameter?.name ?? '');
      if (!mask) continue;
      expect(mask.shape).toEqual(shape);
      const values = toFloat32(await read());
      expect(values.findIndex((value, i) => value !== 0 && !isKept(mask, i))).toBe(-1);
      expect(values.reduce((count, value) => count + Number(value !== 0), 0)).toBe(values.length / 4);
    }
    const help = await secateur(['distill', '--method', 'sparsedm', '--help']);
    expect(help.stdout).toMatch(/Options of sparsedm:\n +--pattern <name>/);
    const refused = async (flags: string[], message: RegExp) => {
      const { code: refusal, stderr: told } = await secateur([...argv(...flags), '--replace']);
      expect(told).toMatch(message);
      expect(refusal).toBe(2);
    };
    await refused(['--preset', 'bk-sdm'], /--method sparsedm brings its own losses and masks/);
    await refused(['--mask', '2:4'], /--method sparsedm brings its own losses and masks/);
    await refused(['--method', 'diff-pruning'], /There is no method "diff-pruning" that trains/);
    await refused(['--progressive', '--pattern', '3:4'], /Progressive sparsity goes down to a half/);
    const again = await secateur([
      ...['distill', out, '--method', 'sparsedm', '--data', given.images, '--steps', '3', '--batch', '2'],
      ...['--out', join(given.folder, 'again'), ...quick],
    ]);
    expect(again.stderr).toMatch(/masks of its own, which --method would break/);
  });

  it('trains on a file of tensors; what its mask leaves out does not count', async () => {
    const given = await setUp(0);
    const run = async (name: string, mask: number) => {
      const path = join(given.folder, `${name}.safetensors`);
      writeFileSync(path, safetensors({ sample: [[2, 3, 16, 16], 0.5], mask: [[2, 1, 16, 16], mask] }));
      const out = join(given.folder, name);
      const { code, stdout } = await secateur(finetune({ ...given, images: path }, '--out', out, '--json'));
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { losses: number[] }).losses;
    };
    expect((await run('all', 1))[0]).toBeGreaterThan(0.1);
    expect(await run('none', 0)).toEqual([0, 0]);
  });

  it('leaves out conditions at times: the class for none of a DiT is known, other conditions are told', async () => {
    const given = await setUp(0);
    const data = join(given.folder, 'data.safetensors');
    writeFileSync(data, safetensors({ hidden_states: [[2, 4, 8, 8], 0.5], class_labels: [[2], 1] }));
    const run = async (model: string, out: string, ...more: string[]) =>
      secateur(finetune({ ...given, model, images: data }, '--out', join(given.folder, out), '--json', ...more));
    const dit = fixturePath('dit');
    const loss = async (out: string, ...more: string[]) => {
      const { code, stdout } = await run(dit, out, ...more);
      expect(code).toBe(0);
      return (JSON.parse(stdout) as TrainReport).losses[0];
    };
    expect(await loss('never', '--drop-conditions', '0')).not.toBe(await loss('often', '--drop-conditions', '0.99'));
    writeFileSync(data, safetensors({ sample: [[2, 4, 16, 16], 0.5], encoder_hidden_states: [[2, 7, 32], 1] }));
    const unet = fixturePath('unet2d-cond-sd1');
    const untold = await run(unet, 'untold', '--drop-conditions', '0.1');
    expect(untold.stdout + untold.stderr).toMatch(/Leaving out conditions needs to know what no condition looks like/);
    const tensors = { sample: [[2, 4, 16, 16], 0.5], encoder_hidden_states: [[2, 7, 32], 1] } as const;
    const empty = { 'unconditional.encoder_hidden_states': [[1, 7, 32], 0] } as const;
    writeFileSync(data, safetensors({ ...tensors, ...empty } as never));
    expect((await run(unet, 'told', '--drop-conditions', '0.1')).code).toBe(0);
  });

  // Needs the built program, which `npm test` makes before it runs this.
  it.skipIf(!existsSync(program))('goes on after kill -9 with the same bytes', { timeout: 240_000 }, async () => {
    const given = await setUp();
    const argv = (out: string) => [
      ...[program, 'finetune', given.model, '--data', given.images, '--steps', '12', '--batch', '2', '--ema', '0.9'],
      ...['--checkpoint-every', '2', '--out', join(given.folder, out), ...quick],
    ];
    const checkpoint = join(given.folder, '.out.secateur-run', 'checkpoint.json');
    const child = spawn(process.execPath, argv('out'));
    await until(() => existsSync(checkpoint) && Number(readJson(checkpoint).step) >= 4, child);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(existsSync(join(given.folder, 'out'))).toBe(false);
    const other = await secateur([...argv('out').slice(1), '--lr', '0.01']);
    expect(other.stderr).toMatch(/holds the checkpoint of another run: learningRate\.peak was 0\.0001, is 0\.01/);
    expect(spawnSync(process.execPath, argv('out'), { encoding: 'utf8' })).toMatchObject({ status: 0 });
    expect(spawnSync(process.execPath, argv('whole'), { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const [resumed, whole] = ['out', 'whole'].map((out) => readJson(join(given.folder, out, 'report.json')));
    expect(Number(resumed.resumedFrom)).toBeGreaterThanOrEqual(4);
    expect(resumed.losses).toEqual(whole.losses);
    for (const file of [weights, 'secateur.json']) {
      expect(
        readFileSync(join(given.folder, 'out', file)).equals(readFileSync(join(given.folder, 'whole', file))),
      ).toBe(true);
    }
    expect(snapshot(given.folder).filter((line) => line.startsWith('.'))).toEqual([]);
  });
});

describe('bad input', () => {
  it('names a picture that is damaged or of another size, and leaves it out when asked to', async () => {
    const given = await setUp(3);
    writeFileSync(join(given.images, '1.png'), picture(1, 8));
    writeFileSync(join(given.images, '2.png'), picture(2, 16).slice(0, 90));
    const refused = await secateur(finetune(given));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/1\.png is 8×8/);
    writeFileSync(join(given.images, '3.png'), picture(3, 16));
    const jpeg = new URL('../../zoo/test/in/square.jpg', import.meta.url);
    writeFileSync(join(given.images, '4.jpg'), readFileSync(jpeg));
    writeFileSync(join(given.images, '5.jpg'), readFileSync(jpeg).subarray(0, 200));
    const { code, stderr } = await secateur(finetune(given, '--skip-bad', '--batch', '3'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: left out: .*1\.png/);
    expect(stderr).toMatch(/warning: left out: .*2\.png/);
    expect(stderr).toMatch(/warning: left out: .*5\.jpg: a damaged JPEG/);
    expect(stderr).not.toMatch(/4\.jpg/);
  });

  it('refuses fewer images than a batch, a teacher of another shape, and flags that make no sense', async () => {
    const given = await setUp(2);
    const refused = async (argv: string[], message: RegExp) => {
      const before = snapshot(given.folder);
      const { code, stderr, stdout } = await secateur(argv);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(snapshot(given.folder)).toEqual(before);
    };
    await refused(finetune(given, '--batch', '3'), /There are 2 samples; a batch has 3\./);
    await refused(finetune(given, '--lr', '0'), /learningRate\.peak is 0/);
    await refused(finetune(given, '--mask', '4:2'), /"4:2" is no pattern/);
    await refused(finetune(given, '--steps', '0'), /whole number from 1/);
    const argv = ['distill', given.model, '--teacher', 'zoo:fashion-ddpm-32', '--data', given.images, '--steps', '2'];
    await refused([...argv, '--out', join(given.folder, 'out'), ...quick], /The student model takes .*; the teacher/);
  });

  it('stops at a loss that is not finite, saying where, and keeps the last checkpoint', async () => {
    const given = await setUp();
    const argv = finetune(given, '--optimizer', 'sgd', '--lr', '1e30', '--clip', '1e30', '--checkpoint-every', '1');
    const { code, stderr } = await secateur([...argv, '--steps', '6']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /(loss|gradients) is (NaN|Infinity) at step \d, at learning rate 1e\+30\. The checkpoint of step \d is kept\./,
    );
    expect(existsSync(join(given.folder, '.out.secateur-run', 'checkpoint.json'))).toBe(true);
    expect(existsSync(join(given.folder, 'out'))).toBe(false);
  });
});

async function until(isSo: () => boolean, child: ChildProcess): Promise<void> {
  while (!isSo()) {
    if (child.exitCode !== null) throw new Error(`The program ended with ${child.exitCode} before it could be killed.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
