/**
 * All methods at equal MACs and equal fine-tuning budgets, judged alike. One result file a cell, written whole: a run that was
 * killed goes on where it was when started again. What takes part is in `methods.mjs`, how it is measured in `protocol.mjs`.
 *
 *   npm run build && node benchmarks/league/league.mjs --out DIR [--models ddpm,dit] [--methods diff-pruning,scratch,…]
 *     [--cells mandatory|all|'*.500-steps.*,…'] [--threads 2] [--list] [--quick]
 *   node benchmarks/league/league.mjs --out DIR --latency [--rounds 20]       on a quiet machine, when cells are done
 *   node benchmarks/league/render.mjs DIR --out docs/league.md
 *
 * Mandatory cells: 44 % of the MACs removed (or 2:4), 0 and 500 steps, seed 0. `--quick` proves that everything runs, in seconds;
 * its numbers mean nothing.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeEngine } from 'secateur';
import { allCells, chooseCells, idOf } from './cells.mjs';
import { latencyOf } from './latency.mjs';
import { methods } from './methods.mjs';
import { isInZoo, models, openModel } from './models.mjs';
import { protocol, quickProtocol } from './protocol.mjs';
import { readResult, writeResult } from './results.mjs';
import { forget, runCell } from './run-cell.mjs';

export async function league(argv, tell = tellWithTime) {
  const { values } = parseArgs({
    args: argv,
    options: {
      out: { type: 'string' },
      models: { type: 'string', default: Object.keys(models).join(',') },
      methods: { type: 'string', default: Object.keys(methods).join(',') },
      cells: { type: 'string', default: 'mandatory' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '20' },
      latency: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR is missing.');
  const names = known('model', values.models, models).filter((name) => {
    if (isInZoo(name)) return true;
    tell(`${name} is left out: the zoo has no ${models[name].zoo}.`);
    return false;
  });
  const cells = chooseCells(allCells(names, known('method', values.methods, methods), values.quick), values.cells);
  if (values.list) {
    for (const cell of cells) tell(idOf(cell));
    return;
  }
  const threads = Number(values.threads);
  const session = {
    folder: values.out,
    protocol: values.quick ? quickProtocol : protocol,
    engine: await nodeEngine({ threads }),
    threads,
    rounds: Number(values.rounds),
    openModel: once(openModel),
    tell,
  };
  await checkFolder(session);
  const [kind, work] = values.latency ? ['latency', latencyOf] : ['cells', runCell];
  let waiting = 0;
  for (const cell of cells) {
    if (await readResult(values.out, cell, kind)) continue;
    if (kind === 'latency' && !(await readResult(values.out, cell))) {
      waiting++;
      continue;
    }
    await writeResult(values.out, cell, await work(cell, session), kind);
    await forget(cell, session);
  }
  tell(`${cells.length - waiting} cells are done.${waiting > 0 ? ` ${waiting} were not run yet.` : ''}`);
}

/** @throws when the folder holds results of another protocol */
async function checkFolder({ folder, protocol: ours }) {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'protocol.json');
  const theirs = await readFile(path, 'utf8').catch(() => undefined);
  const text = `${JSON.stringify(ours, null, 2)}\n`;
  if (theirs === undefined) return writeFile(path, text);
  if (theirs !== text) throw new Error(`${folder} holds results of another protocol: see protocol.json there.`);
}

function known(what, list, all) {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(all, name));
  if (unknown === undefined) return names;
  throw new Error(`There is no ${what} "${unknown}". There are ${Object.keys(all).join(', ')}.`);
}

function once(open) {
  const opened = new Map();
  return (name) => {
    if (!opened.has(name)) opened.set(name, open(name));
    return opened.get(name);
  };
}

function tellWithTime(text) {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await league(process.argv.slice(2));
