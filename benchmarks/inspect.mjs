/**
 * Reading headers only: wall time and peak memory of `secateur inspect` on a checkpoint of SDXL's shape, 2.57 billion
 * parameters, 10.3 GB of random float32 weights.
 *
 *   npm run build && node benchmarks/inspect.mjs --model DIR [--out benchmarks/results/inspect.json]
 *
 * DIR is made by `secateur init packages/testkit/fixtures/configs/sdxl-base/config.json --out DIR` where it does not exist.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { model: { type: 'string' }, rounds: { type: 'string', default: '7' }, out: { type: 'string' } },
});
if (!values.model) throw new Error('Say where the checkpoint is, or is to be made: --model DIR');
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const config = fileURLToPath(new URL('../packages/testkit/fixtures/configs/sdxl-base/config.json', import.meta.url));

/** Reports the child's own peak memory on its way out. */
const report = `data:text/javascript,process.on('exit',()=>process.stderr.write('maxRssKib='+process.resourceUsage().maxRSS))`;

function run(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, ['--import', report, cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(stderr));
      else
        resolve({
          seconds: (performance.now() - start) / 1000,
          peakMb: Number(/maxRssKib=(\d+)/.exec(stderr)[1]) / 1024,
        });
    });
  });
}

if (!existsSync(values.model)) await run(['init', config, '--out', values.model, '--quiet']);
const runs = [];
for (let round = 0; round < Number(values.rounds); round++) runs.push(await run(['inspect', values.model, '--json']));
const sorted = (key) => runs.map((one) => one[key]).sort((a, b) => a - b);
const summary = (key) => {
  const list = sorted(key);
  return { min: list[0], median: list[list.length >> 1], max: list[list.length - 1] };
};
const result = {
  model: 'sdxl-base shape, random float32 weights',
  seconds: summary('seconds'),
  peakMb: summary('peakMb'),
};
console.log(result);
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
