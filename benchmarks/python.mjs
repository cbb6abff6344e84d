/** The same work by PyTorch, to compare with. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Runs a script of `tools/reference` and reads the JSON in the last line that it prints. */
export async function runReference(python, script, args) {
  const path = fileURLToPath(new URL(`../tools/reference/${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(python, [path, ...args.map(String)]);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/**
 * Seconds of our run and of theirs, in turn, told as they come.
 *
 * @param ours    `() => Promise<number>`
 * @param theirs  `() => Promise<{ seconds, versions }>`, or nothing where Python is not wanted
 * @param name    what theirs are called
 * @returns {Promise<{ times: Record<string, number[]>, versions: object }>}
 */
export async function secondsInTurn({ rounds, ours, theirs, name }) {
  const times = { secateur: [], [name]: [] };
  const versions = {};
  for (let round = 0; round < rounds; round++) {
    times.secateur.push(await ours());
    if (theirs) {
      const { seconds, versions: found } = await theirs();
      times[name].push(seconds);
      Object.assign(versions, found);
    }
    const shown = Object.entries(times).filter(([, all]) => all.length > 0);
    console.log(`round ${round + 1}: ${shown.map(([who, all]) => `${who} ${all.at(-1).toFixed(1)} s`).join(', ')}`);
  }
  return { times, versions };
}
