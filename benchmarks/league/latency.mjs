import { join } from 'node:path';
import * as engines from '@secateur/runtime/node';
import { benchExecutables, loadModel } from 'secateur';
import { idOf } from './cells.mjs';

/** Engines by name; those that this version of the runtime does not have are left out. */
const makers = {
  ort: () => engines.nodeEngine({ threads: 1 }),
  'ort-web': () => engines.webEngineInNode(),
  wasm: () => engines.wasmEngineInNode(),
};

export const engineNames = Object.keys(makers);

/**
 * Milliseconds of one run on one picture, dense and pruned in turn, on one thread each, engine by engine. Wants a quiet machine:
 * a pass of its own.
 */
export async function latencyOf(cell, { folder, openModel, tell, rounds = 20 }) {
  const { sampleFeeds } = await import('@secateur/core');
  const { dense } = await openModel(cell.model);
  const pruned = await loadModel(join(folder, 'models', idOf(cell)));
  const found = {};
  for (const [name, make] of Object.entries(makers)) {
    if (name === 'wasm' && !engines.wasmEngineInNode) continue;
    const engine = await make();
    const executables = {};
    try {
      executables.dense = await engine.compile(dense.graph, { threads: 1 });
      executables.pruned = await engine.compile(pruned.graph, { threads: 1 });
      const timed = await benchExecutables(executables, sampleFeeds(dense, 1), { rounds });
      found[name] = {
        denseMs: timed.dense.medianMs,
        prunedMs: timed.pruned.medianMs,
        ratio: timed.pruned.medianMs / timed.dense.medianMs,
        description: await engine.describe(),
      };
      tell(`${idOf(cell)}: ${name} ${timed.dense.medianMs.toFixed(2)} → ${timed.pruned.medianMs.toFixed(2)} ms`);
    } finally {
      for (const executable of Object.values(executables)) await executable.dispose();
    }
  }
  return { ...cell, rounds, engines: found };
}
