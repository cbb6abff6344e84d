// npm test: install, build, type-check the tests, run them, then run the browser tier where a browser launches.
// SECATEUR_BROWSER=required makes a missing browser a failure, =off leaves the tier out.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { pnpm } from './pnpm.mjs';
import { readJson, root } from './workspace.mjs';

const totals = { passed: 0, failed: 0 };
const cache = join(root, 'node_modules/.cache/secateur');

async function runVitest(name, config) {
  const report = join(cache, `${name}.json`);
  rmSync(report, { force: true });
  mkdirSync(cache, { recursive: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await pnpm(['exec', 'vitest', 'run', '--config', config, ...reporters]);
  count(report, code);
}

/** Adds a run's numbers. A run that fails without a failed test (a file that does not load) counts as one failure. */
function count(report, code) {
  let result = { numPassedTests: 0, numFailedTests: 0 };
  try {
    result = readJson(report);
  } catch {
    console.log(`vitest wrote no report (exit code ${code}).`);
  }
  totals.passed += result.numPassedTests;
  totals.failed += code === 0 ? 0 : Math.max(1, result.numFailedTests);
}

async function browserTier() {
  const mode = process.env.SECATEUR_BROWSER;
  if (mode === 'off') return console.log('Browser tests: SKIPPED: SECATEUR_BROWSER=off.');
  const { whyNoBrowser } = await import('../packages/testkit/dist/browser.js');
  const reason = await whyNoBrowser();
  if (reason === undefined) return runVitest('browser', 'vitest.browser.config.ts');
  if (mode === 'required') {
    console.log(`Browser tests: FAILED: a browser is required and none launches: ${reason}`);
    totals.failed += 1;
  } else console.log(`Browser tests: SKIPPED: no browser launches here: ${reason}`);
}

await build();
if ((await pnpm(['exec', 'tsc', '-p', 'tsconfig.tests.json'])) === 0) console.log('The tests type-check.');
else totals.failed += 1;
await runVitest('unit', 'vitest.config.ts');
await browserTier();
writeFileSync(join(cache, 'test-totals'), `${totals.passed} ${totals.failed}\n`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);
