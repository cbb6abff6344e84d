import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe as describeAny, expect, it } from 'vitest';
import { claims } from '../../benchmarks/league/claims.mjs';
import { cliPath } from '../build.mjs';

// The league uses the packages as they are built, which `npm test` does before it runs this.
const isBuilt = existsSync(cliPath);
const describe = describeAny.skipIf(!isBuilt);
const load = (file) => (isBuilt ? import(`../../benchmarks/league/${file}.mjs`) : {});
const { allCells, chooseCells, idOf, isMandatory } = await load('cells');
const { league } = await load('league');
const { renderLeague } = await load('render');
const { readResults } = await load('results');

const folder = await mkdtemp(join(tmpdir(), 'secateur-league-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const some = '*.dense.*.seed-0,*.sparsedm.*.2-steps.seed-0,*.diff-pruning.macs-56.*.seed-0,*.scratch.macs-56.*.seed-0';

async function quick(...more) {
  const told = [];
  await league(['--quick', '--out', folder, '--models', 'ddpm', '--cells', some, '--threads', '1', ...more], (text) =>
    told.push(text),
  );
  return told;
}

describe('a quick league', () => {
  it('runs, remembers what is done, and does a lost cell again with the same numbers', {
    timeout: 300_000,
  }, async () => {
    await quick();
    const first = await readResults(join(folder));
    expect(first.map(idOf)).toEqual([
      'ddpm.dense.none.0-steps.seed-0',
      'ddpm.diff-pruning.macs-56.0-steps.seed-0',
      'ddpm.diff-pruning.macs-56.2-steps.seed-0',
      'ddpm.scratch.macs-56.2-steps.seed-0',
      'ddpm.sparsedm.2-of-4.2-steps.seed-0',
    ]);
    const [dense, cut, , scratch, sparse] = first;
    expect(dense.quality.ssim.value).toBe(1);
    expect(dense.quality.outputErrors.every(({ relative }) => relative === 0)).toBe(true);
    for (const { cost, denseCost } of [cut, scratch]) {
      expect(cost.macs / denseCost.macs).toBeGreaterThan(0.54);
      expect(cost.macs / denseCost.macs).toBeLessThanOrEqual(0.56);
    }
    expect(scratch.cost).toEqual(cut.cost);
    expect(sparse.cost.macs / sparse.denseCost.macs).toBeCloseTo(0.5, 2);
    expect(await quick()).toEqual(['5 cells are done.']);
    await rm(join(folder, 'cells', 'ddpm.sparsedm.2-of-4.2-steps.seed-0.json'));
    expect((await quick()).filter((text) => !text.includes('sparsedm'))).toEqual(['5 cells are done.']);
    const again = await readResults(folder);
    const withoutTimes = ({ seconds, training, ...rest }) => ({ ...rest, loss: training?.loss });
    expect(again.map(withoutTimes)).toEqual(first.map(withoutTimes));
    expect((await readdir(join(folder, 'cells'))).filter((file) => !file.endsWith('.json'))).toEqual([]);
    const page = await renderLeague(folder);
    expect(page).toContain('| diff-pruning | macs=0.56 | 2 | 0 | 55.');
    expect(page).toContain('| sparsedm | 2:4 | 2 | 0 | 50.');
    expect(page).toContain('- `ddpm.sparsedm.2-of-4.0-steps.seed-0`');
  });

  it('refuses a folder with results of another protocol, and names that do not exist', async () => {
    await expect(league(['--out', folder, '--models', 'ddpm'], () => {})).rejects.toThrow('another protocol');
    await expect(league(['--out', folder, '--methods', 'chance'], () => {})).rejects.toThrow(
      'There is no method "chance"',
    );
  });
});

describe('cells', () => {
  it('are chosen by name', () => {
    const cells = allCells(['ddpm']);
    expect(chooseCells(cells, 'all')).toEqual(cells);
    expect(new Set(cells.map(idOf)).size).toBe(cells.length);
    expect(chooseCells(cells, '*.random.macs-75.0-steps.*').map(idOf)).toEqual([
      'ddpm.random.macs-75.0-steps.seed-0',
      'ddpm.random.macs-75.0-steps.seed-1',
      'ddpm.random.macs-75.0-steps.seed-2',
    ]);
    for (const cell of chooseCells(cells, 'mandatory')) expect(isMandatory(cell)).toBe(true);
  });
});

describeAny('claims', () => {
  const cell = (method, steps, budget, kid, fd) => ({
    model: 'ddpm',
    method,
    steps,
    budget,
    seed: 0,
    quality: { kid: { value: kid, spread: 0.01 }, fd: { value: fd } },
  });
  const results = (sparse, once) => [
    cell('dense', 0, 'none', 0.1, 10),
    cell('sparsedm', 500, '2:4', 0.2, sparse),
    cell('magnitude-once', 500, '2:4', once, 20),
    cell('diff-pruning', 500, 'macs=0.56', 0.31, 15),
    cell('scratch', 500, 'macs=0.56', 0.9, 40),
    cell('magnitude', 500, 'macs=0.56', 0.3, 15),
  ];

  it('hold or do not, by the numbers', () => {
    expect(claims(results(11.4, 0.25)).map(({ holds }) => holds)).toEqual([true, true, true, true]);
    expect(claims(results(11.6, 0.15)).map(({ holds }) => holds)).toEqual([false, false, true, true]);
  });

  it('are left out where a cell was not run', () => {
    expect(claims(results(11, 0.25).slice(0, 2))).toHaveLength(1);
  });
});
