// npm run quickstart: the main job on the bundled model and images, from nothing but Node and npm.
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildIfStale, cliPath } from './build.mjs';
import { root, run } from './workspace.mjs';

const model = join(root, 'packages/zoo/data/fashion-ddpm-32');
const images = join(root, 'packages/zoo/data/fashion-mnist/t10k-images-idx3-ubyte.gz');
const out = join(root, 'secateur-quickstart');
const args = ['prune', model, '--method', 'diff-pruning', '--ratio', '0.3', '--data', images, '--out', out];

const shown = (path) => relative(process.cwd(), path) || '.';
await buildIfStale();
console.log(`\nsecateur ${args.map((arg) => (arg.startsWith(root) ? shown(arg) : arg)).join(' ')}\n`);
rmSync(out, { recursive: true, force: true });
const code = await run(process.execPath, [cliPath, ...args]);
if (code !== 0) process.exit(code);
console.log(`\nThe pruned model is in ${shown(out)}/. Open ${shown(join(out, 'report.html'))} to see what was done.`);
