import type { Arena } from './arena.js';

/** Pointers that a layer holds and gives back together. */
export function freeAll(arena: Arena, owned: number[]): void {
  for (const pointer of owned.splice(0)) arena.free(pointer);
}

/** A table of tiles, i32 pairs of byte offsets into the window and into the results, made once for each key. */
export function tileTables(
  arena: Arena,
  owned: number[],
  make: (key: string) => readonly (readonly [b: number, c: number])[],
): (key: string) => readonly [pointer: number, count: number] {
  const known = new Map<string, readonly [number, number]>();
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
