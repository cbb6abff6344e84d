import type { Arena } from './arena.js';

/** Pointers that a layer holds and gives back together. */
export function freeAll(arena: Arena, owned: number[]): void {
  for (const pointer of owned.splice(0)) arena.free(pointer);
}

/** A table of tiles, i32 pairs of byte offsets into the window and into the results, made once for each key. */
export function tileTables(
  arena: Arena,
  owned: number[],
  make: (key: number) => readonly (readonly [b: number, c: number])[],
): (key: number) => readonly [pointer: number, count: number] {
  const known = new Map<number, readonly [number, number]>();
  return (key) => {
    let table = known.get(key);
    if (!table) {
      const pairs = make(key);
      table = [arena.upload(Int32Array.from(pairs.flat())), pairs.length];
      owned.push(table[0]);
      known.set(key, table);
    }
    return table;
  };
}

/** Tables of tiles in a row, `nr` columns each. */
export function rowTables(
  arena: Arena,
  owned: number[],
): (nr: number, count: number) => readonly [pointer: number, count: number] {
  // nr is at most 32.
  const tables = tileTables(arena, owned, (key) => {
    const [nr, count] = [key % 64, Math.floor(key / 64)];
    return Array.from({ length: count }, (_, i) => [4 * nr * i, 4 * nr * i] as const);
  });
  return (nr, count) => tables(64 * count + nr);
}
