/**
 * Seconds by a clock: `wall`, or `cpu` for what all threads of this process have used of the processor.
 * @returns {() => number}
 */
export function clockOf(name) {
  if (name === 'wall') return () => performance.now() / 1000;
  if (name !== 'cpu') throw new Error(`There is no clock "${name}": wall or cpu.`);
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
}
