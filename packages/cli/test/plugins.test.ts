import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath, join, scratch, secateur, snapshot } from './run-cli.js';

const model = fixturePath('unet2d-tiny');
const dry = ['--ratio', '0.3', '--dry-run', '--json', '--quiet'];

/** The criterion of the design's example, in TypeScript that Node 20 cannot run by itself. */
const meanAbs = (name = 'mean-abs') => `
  import { type Criterion, defineCriterion, type PluginFactory, weights } from '@secateur/core';

  export interface MeanAbsOptions { p?: number }

  export const meanAbs: PluginFactory<Criterion, MeanAbsOptions> = defineCriterion<MeanAbsOptions>({
    name: '${name}', apiVersion: 1, summary: 'Mean |w|^p.', defaults: { p: 1 }, units: ['channel', 'head', 'head-dim'], needs: [weights()],
    scoreEach: (unit, { values, options }) => {
      let sum = 0;
      for (const w of values(unit)) sum += Math.abs(w) ** options.p!;
      return sum / values(unit).length;
    },
  });`;

describe('--plugin', () => {
  it('loads a TypeScript file that lies anywhere, with its options as flags, and writes no cache', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'mean-abs.ts'), meanAbs());
    const before = snapshot(folder);
    const argv = ['prune', model, '--method', 'mean-abs', '--plugin', './mean-abs.ts', ...dry];
    const { code, stdout } = await secateur([...argv, '--p', '2'], { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ method: 'mean-abs', options: { p: 2 } });
    expect(snapshot(folder)).toEqual(before);
    const help = await secateur(['prune', '--method', 'mean-abs', '--plugin', './mean-abs.ts', '--help'], {
      cwd: folder,
    });
    expect(help.stdout).toMatch(/Options of mean-abs:\n +--p <n>/);
  });

  it('gives the same cut as the built-in criterion that it copies', async () => {
    const folder = scratch();
    writeFileSync(
      join(folder, 'ones.mjs'),
      "import { defineCriterion } from '@secateur/core';\nexport default defineCriterion({ name: 'by-index', apiVersion: 1, defaults: {}, units: ['channel', 'head', 'head-dim'], needs: [], score: (group) => Float32Array.from({ length: group.size }, (_, i) => i) });",
    );
    const { stdout } = await secateur([
      'prune',
      model,
      '--method',
      'by-index',
      '--plugin',
      join(folder, 'ones.mjs'),
      ...dry,
      '--norm-groups',
      'torch-pruning',
    ]);
    const layer = (JSON.parse(stdout).layers as { id: string; size: number; removed: number[][] }[]).find(
      ({ id }) => id === 'time_embedding.linear_1.weight:0',
    );
    // 64 channels without a norm: the lowest 64 - int(64 * 0.7) = 20 go.
    expect(layer).toMatchObject({ size: 64, removed: [[0, 20]] });
  });
});

describe('secateur.config', () => {
  it('brings plugins, falsy ones left out and lists flattened, and defaults that flags override', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'mean-abs.ts'), meanAbs());
    writeFileSync(join(folder, 'inline.ts'), meanAbs('inline-mean'));
    writeFileSync(
      join(folder, 'secateur.config.ts'),
      `import { defineConfig } from 'secateur';
       import { meanAbs } from './inline.ts';
       export default defineConfig({
         plugins: [false, './mean-abs.ts', [null, [meanAbs]]],
         defaults: { seed: 5, prune: { method: 'mean-abs', ratio: 0.25, roundTo: 4 } },
       });`,
    );
    const listed = JSON.parse((await secateur(['plugins', '--json'], { cwd: folder })).stdout);
    const names = listed.plugins.map(({ name }: { name: string }) => name);
    expect(names).toContain('mean-abs');
    expect(names).toContain('inline-mean');
    const bare = ['prune', model, '--dry-run', '--json', '--quiet'];
    const configured = JSON.parse((await secateur([...bare, '--method', 'mean-abs'], { cwd: folder })).stdout);
    expect(configured).toMatchObject({ seed: 5, settings: { budget: { ratio: 0.25 }, roundTo: 4 } });
    const overridden = JSON.parse(
      (await secateur([...bare, '--method', 'mean-abs', '--ratio', '0.5', '--seed', '9'], { cwd: folder })).stdout,
    );
    expect(overridden).toMatchObject({ seed: 9, settings: { budget: { ratio: 0.5 } } });
  });

  it.each([
    ['export default 3;', 'must export an object'],
    ['export default { plugin: [] };', '"plugin"'],
    ['export default { plugins: {} };', 'must be a list'],
    ['export default { defaults: { speed: 3 } };', '"speed"'],
    ["export default { defaults: { seed: 'soon' } };", 'seed'],
    ["export default { plugins: ['./nowhere.ts'] };", 'nowhere.ts'],
  ])('is refused when it says %s', async (source, message) => {
    const folder = scratch();
    writeFileSync(join(folder, 'secateur.config.mjs'), source);
    const { code, stderr } = await secateur(['plugins'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('is told when the one named is not there', async () => {
    const { code, stderr } = await secateur(['plugins', '--config', 'mine.ts'], { cwd: scratch() });
    expect(code).toBe(2);
    expect(stderr).toContain('mine.ts');
  });
});

describe('plugins and methods', () => {
  it('find packages with the keyword among the dependencies of the project', async () => {
    const folder = scratch();
    const inside = join(folder, 'node_modules/secateur-mean');
    mkdirSync(inside, { recursive: true });
    mkdirSync(join(folder, 'node_modules/other'), { recursive: true });
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ dependencies: { 'secateur-mean': '1', other: '1', absent: '1' } }),
    );
    writeFileSync(
      join(inside, 'package.json'),
      JSON.stringify({ name: 'secateur-mean', type: 'module', main: 'index.js', keywords: ['secateur-plugin'] }),
    );
    writeFileSync(
      join(inside, 'index.js'),
      meanAbs().replace(/<[^>]*>|: PluginFactory|type \w+, |, type \w+|export interface.*|!/g, ''),
    );
    writeFileSync(join(folder, 'node_modules/other/package.json'), '{"name":"other"}');
    const listed = JSON.parse((await secateur(['plugins', '--json'], { cwd: folder })).stdout);
    expect(listed.packages).toEqual(['secateur-mean']);
    expect(listed.plugins).toContainEqual({
      kind: 'criterion',
      name: 'mean-abs',
      summary: 'Mean |w|^p.',
      from: 'secateur-mean',
    });
    const pruned = await secateur(['prune', model, '--method', 'mean-abs', ...dry], { cwd: folder });
    expect(pruned.code).toBe(0);
  });

  it('list every method and criterion with its options', async () => {
    const { stdout } = await secateur(['methods', '--json']);
    const { methods, criteria, selectors } = JSON.parse(stdout);
    const names = (list: { name: string }[]) => list.map(({ name }) => name);
    expect(names(methods)).toContain('diff-pruning');
    expect(names(criteria)).toEqual(
      expect.arrayContaining(['fpgm', 'lamp', 'magnitude', 'norm-scale', 'obd', 'random', 'taylor', 'wanda']),
    );
    expect(names(selectors)).toEqual(['exhaustive', 'global', 'greedy', 'isomorphic', 'knapsack', 'local']);
    const { options } = methods.find(({ name }: { name: string }) => name === 'diff-pruning');
    expect(options).toContainEqual(
      expect.objectContaining({
        name: 'stopOrder',
        flag: '--stop-order',
        choices: ['backward-first', 'test-first'],
        default: 'backward-first',
      }),
    );
    expect((await secateur(['methods'])).stdout).toContain('--stop-order NAME');
  });
});
