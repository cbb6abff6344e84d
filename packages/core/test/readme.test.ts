import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { testCriterion, tinyModel } from '../src/conformance.js';
import * as core from '../src/index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [criterion, use] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);

/** The README's code as it stands, less imports and types. */
function plain(code: string): string {
  return code
    .replace(/^import .*$/gm, '')
    .replace('export const', 'const')
    .replace('<{ p: number }>', '');
}

const meanAbs = new Function('core', `const { defineCriterion, weights } = core; ${plain(criterion)} return meanAbs;`)(
  core,
) as core.PluginFactory<core.Criterion, { p: number }>;

testCriterion(meanAbs, { variants: [{ p: 2 }] });

it('the example is at most ten lines between its braces', () => {
  expect(criterion.split('\n').filter((line) => line.startsWith('  ')).length).toBeLessThanOrEqual(10);
});

it('the example scores by hand-computed means', () => {
  const slice = {
    tensor: 'w',
    role: 'producer',
    shape: [2, 2],
    axis: 0,
    perUnit: 1,
    indices: Int32Array.of(0, 1),
  } as const;
  const group = { id: 'w:0', kind: 'channel', size: 2, slices: [slice] } as const;
  const context = { weights: () => Float32Array.of(1, -3, 2, 4) } as unknown as core.ScoreContext<object>;
  expect([...meanAbs().score!(group, context)!]).toEqual([2, 3]);
  expect([...meanAbs({ p: 2 }).score!(group, context)!]).toEqual([5, 10]);
});

it('the example of use prunes to its budget', async () => {
  const body = `const { globalRanking, parseBudget, prune, structured } = core; ${plain(use)} return report;`;
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const run = new AsyncFunction('core', 'model', 'meanAbs', body) as (...given: unknown[]) => Promise<core.PruneReport>;
  const { before, after } = await run(core, tinyModel(), meanAbs);
  expect(after.macs / before.macs).toBeLessThanOrEqual(0.7);
});

it('names every suite and every define function', async () => {
  for (const name of Object.keys(core).filter((key) => /^define[A-Z]/.test(key))) {
    const kind = name.slice('define'.length).toLowerCase();
    expect(readme, name).toMatch(new RegExp(`^\\| ${kind} \\|`, 'm'));
  }
});
