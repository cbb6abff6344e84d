/**
 * Milliseconds of every run of some executables. Every round runs each of them once, beginning with another one each time: at
 * least `rounds` after `warmUp` that do not count, and until `seconds` have passed.
 *
 * @param executables  by the name that their times get
 * @param now          milliseconds since some moment
 * @returns {Promise<Record<string, number[]>>}
 */
export async function interleaved(executables, feeds, { warmUp, rounds, seconds, now }) {
  const names = Object.keys(executables);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  const start = performance.now();
  for (let round = -warmUp; round < rounds || performance.now() - start < 1000 * seconds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + warmUp) % names.length];
      const before = now();
      await executables[name].run(feeds);
      if (round >= 0) times[name].push(now() - before);
    }
  }
  return times;
}
