import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, readJson, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const quick = ['--no-latency', '--no-pictures', '--quiet'];
const byteStable = ['config.json', 'diffusion_pytorch_model.safetensors', 'secateur.json'];

describe('prune', () => {
  it('writes the model, the manifest, the reports and a card, and prints before and after', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const before = snapshot(model);
    const out = join(folder, 'out');
    const { code, stdout } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--ratio',
      '0.5',
      '--out',
      out,
      ...quick,
    ]);
    expect(code).toBe(0);
    expect(snapshot(model)).toEqual(before);
    expect(readdirSync(folder).sort()).toEqual(['model', 'out']);
    const files = readdirSync(out);
    for (const file of [...byteStable, 'report.html', 'report.json', 'README.md']) expect(files).toContain(file);
    expect(stdout).toMatch(/^parameters +[\d,]+ +[\d,]+ +-\d+\.\d %$/m);
    const report = readJson(join(out, 'report.json')) as {
      before: { parameters: number };
      after: { parameters: number };
    };
    expect(report).toMatchObject({
      method: 'magnitude',
      seed: 0,
      before: { latencyMs: null },
      notPruned: expect.any(Array),
      layers: expect.any(Array),
    });
    const inspected = JSON.parse((await secateur(['inspect', out, '--json'])).stdout);
    expect(inspected.parameters).toBe(report.after.parameters);
    expect(report.after.parameters).toBeLessThan(report.before.parameters);
  });

  it('gives the same bytes twice, and the manifest hides where things lay', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    for (const out of ['a', 'b']) {
      await secateur([
        'prune',
        model,
        '--method',
        'random',
        '--seed',
        '3',
        '--ratio',
        '0.3',
        '--out',
        join(folder, out),
        ...quick,
      ]);
    }
    for (const file of byteStable) {
      expect(readFileSync(join(folder, 'a', file)).equals(readFileSync(join(folder, 'b', file)))).toBe(true);
    }
    expect(readFileSync(join(folder, 'a/secateur.json'), 'utf8')).not.toContain(folder);
  });

  it('takes the options of a criterion as flags and as pairs', async () => {
    const model = fixturePath('unet2d-tiny');
    const argv = ['prune', model, '--method', 'taylor', '--ratio', '0.3', '--dry-run', '--json', '--quiet'];
    expect((await secateur(['prune', '--method', 'taylor', '--help'])).stdout).toMatch(/--form <name>.*abs-sum/);
    const wrong = await secateur([...argv, '--form', 'cubic']);
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stdout).error.message).toContain('abs-sum');
    const magnitude = ['prune', model, '--method', 'magnitude', '--ratio', '0.3', '--dry-run', '--json', '--quiet'];
    const flag = JSON.parse((await secateur([...magnitude, '--p', '1'])).stdout);
    const pair = JSON.parse((await secateur([...magnitude, '--option', 'p=1'])).stdout);
    expect(flag.options).toMatchObject({ p: 1 });
    expect(pair).toEqual(flag);
    const unknown = await secateur([...magnitude, '--option', 'q=1']);
    expect(unknown.code).toBe(2);
  });

  it('chooses by another selector, with its options', async () => {
    const argv = [
      'prune',
      fixturePath('unet2d-tiny'),
      '--method',
      'magnitude',
      '--ratio',
      '0.3',
      '--dry-run',
      '--json',
      '--quiet',
    ];
    const global = JSON.parse((await secateur([...argv, '--selector', 'global', '--option', 'normalize=none'])).stdout);
    expect(global.selector).toBe('global');
    expect((await secateur([...argv, '--selector', 'nearest'])).code).toBe(2);
    const method = await secateur([
      'prune',
      fixturePath('unet2d-tiny'),
      '--method',
      'diff-pruning',
      '--selector',
      'nearest',
      '--ratio',
      '0.3',
      '--dry-run',
      '--quiet',
    ]);
    expect(method.code).toBe(2);
    expect(method.stderr).toContain('selector');
  });

  it('meets a budget, leaves ignored groups alone and gives others their own ratio', async () => {
    const argv = ['prune', fixturePath('unet2d-tiny'), '--method', 'magnitude', '--dry-run', '--json', '--quiet'];
    const budget = JSON.parse((await secateur([...argv, '--budget', 'params=0.6'])).stdout);
    expect(budget.after.parameters / budget.before.parameters).toBeLessThanOrEqual(0.6);
    const own = JSON.parse(
      (await secateur([...argv, '--ratio', '0.5', '--ignore', 'mid_block.*', '--layer-ratio', 'conv_in.*=0'])).stdout,
    );
    const layers = own.layers as { tensors: string[]; size: number; kept: number }[];
    const kept = (name: string) =>
      layers.filter(({ tensors }) => tensors.includes(name)).map(({ size, kept }) => kept / size);
    expect(kept('mid_block.resnets.0.conv1.weight').every((share) => share === 1)).toBe(true);
    expect(kept('down_blocks.0.resnets.0.conv1.weight')).toContain(0.5);
  });

  it('writes nothing on a dry run', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const before = snapshot(folder);
    const { code, stdout } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--ratio',
      '0.3',
      '--dry-run',
      '--out',
      join(folder, 'out'),
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was written');
    expect(snapshot(folder)).toEqual(before);
  });

  it('writes ONNX beside the checkpoint that points into it, and both compute the same', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const out = join(folder, 'out');
    const { code } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--ratio',
      '0.3',
      '--emit',
      'diffusers,onnx',
      '--out',
      out,
      ...quick,
    ]);
    expect(code).toBe(0);
    const sizes = Object.fromEntries(snapshot(out).map((line) => line.split(' ').slice(0, 2)));
    expect(Number(sizes['model.onnx'])).toBeLessThan(0.5 * Number(sizes['diffusion_pytorch_model.safetensors']));
    for (const file of ['a', 'b']) {
      const path = file === 'a' ? out : join(out, 'model.onnx');
      const argv = [
        'sample',
        path,
        '--count',
        '2',
        '--steps',
        '2',
        '--sampler',
        'ddim',
        '--raw',
        join(folder, `${file}.safetensors`),
        '--quiet',
      ];
      expect((await secateur(argv)).code).toBe(0);
    }
    const [a, b] = ['a', 'b'].map(
      (name) => new Float32Array(readFileSync(join(folder, `${name}.safetensors`)).buffer.slice(-2 * 3 * 16 * 16 * 4)),
    );
    // Both run the same kernels on the same weights; only the layout of the linears differs.
    expect(Math.max(...a!.map((value, i) => Math.abs(value - b![i]!)))).toBeLessThan(1e-4);
  });

  it('prunes an ONNX file into an ONNX file that holds its weights', async () => {
    const folder = scratch();
    const out = join(folder, 'out');
    const { code } = await secateur([
      'prune',
      fixturePath('unet2d-tiny/model.onnx'),
      '--method',
      'magnitude',
      '--ratio',
      '0.3',
      '--out',
      out,
      ...quick,
    ]);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['README.md', 'model.onnx', 'report.html', 'report.json', 'secateur.json']);
    expect((await secateur(['inspect', join(out, 'model.onnx'), '--summary'])).code).toBe(0);
  });

  it('masks elements and writes the masks', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const out = join(folder, 'out');
    const { code, stdout } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--space',
      '2:4',
      '--out',
      out,
      '--json',
      ...quick,
    ]);
    expect(code).toBe(0);
    expect(readdirSync(out)).toContain('masks.safetensors');
    const sparsity = JSON.parse(stdout).sparsity as Record<string, number>;
    // Two of its three input channels stay.
    expect(sparsity['conv_in.weight']).toBeCloseTo(1 / 3);
    expect(sparsity['mid_block.resnets.0.conv1.weight']).toBe(0.5);
  });

  it('cuts only what a stock configuration can say with --expressible', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const argv = ['prune', model, '--method', 'magnitude', '--ratio', '0.25', ...quick];
    expect((await secateur([...argv, '--out', join(folder, 'free')])).code).toBe(0);
    expect(readdirSync(join(folder, 'free'))).toContain('load_secateur.py');
    expect((await secateur([...argv, '--out', join(folder, 'stock'), '--expressible'])).code).toBe(0);
    expect(readdirSync(join(folder, 'stock'))).not.toContain('load_secateur.py');
    const { before, after } = readJson(join(folder, 'stock/report.json')) as Record<string, { parameters: number }>;
    expect(after!.parameters).toBeLessThan(before!.parameters);
    const onnx = await secateur([
      'prune',
      fixturePath('unet2d-tiny/model.onnx'),
      '--method',
      'magnitude',
      '--ratio',
      '0.25',
      '--expressible',
      '--dry-run',
    ]);
    expect(onnx.code).toBe(2);
    expect(onnx.stderr).toContain('no configuration');
  });

  it('measures latency and puts pictures into the report', async () => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const out = join(folder, 'out');
    const { code, stdout } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--ratio',
      '0.3',
      '--out',
      out,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).after.latencyMs).toBeGreaterThan(0);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('data:image/png;base64,');
  });
});
