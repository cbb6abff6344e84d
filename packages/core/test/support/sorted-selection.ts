/** What selection means, by sorting: what ranks by counting is compared with it. Lists of the elements that go. */

/** All but the `n` largest of every run of `m` along `axis`, ties keeping the lower index. */
export function removedNofM(shape: readonly number[], axis: number, scores: Float32Array, n: number, m: number) {
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const runs = new Map<string, number[]>();
  scores.forEach((_, element) => {
    const along = Math.floor(element / stride) % shape[axis]!;
    const key = `${Math.floor(element / (stride * shape[axis]!))} ${element % stride} ${Math.floor(along / m)}`;
    runs.set(key, [...(runs.get(key) ?? []), element]);
  });
  const removed = [...runs.values()].flatMap((run) => run.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(n));
  return removed.sort((a, b) => a - b);
}

/** The `count` lowest of all lists together, ties removing the earlier first: `[list, element]`. */
export function removedLowest(lists: readonly Float32Array[], count: number): [number, number][] {
  const all = lists.flatMap((scores, list) => Array.from(scores, (score, element) => ({ score, list, element })));
  // Sorting is stable: what is equal stays in order.
  all.sort((a, b) => a.score - b.score);
  return all
    .slice(0, count)
    .sort((a, b) => a.list - b.list || a.element - b.element)
    .map(({ list, element }) => [list, element]);
}
