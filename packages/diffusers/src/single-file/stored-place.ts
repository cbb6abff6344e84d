/** Where an original checkpoint holds a tensor that the model has under another name. */
export interface StoredPlace {
  readonly key: string;
  /** One of the three parts, along the first axis, of a tensor that holds queries, keys and values. */
  readonly part?: 0 | 1 | 2;
  /** Whether the two axes are the other way round. */
  readonly transposed?: boolean;
}

/** Finds the place of a model's tensor, by its name in diffusers or transformers. */
export type PlaceOf = (name: string) => StoredPlace;

/** Shapes of stored tensors, by key. */
export type StoredShapes = ReadonlyMap<string, readonly number[]>;

/**
 * Replaces the longest of some modules' paths that a tensor lies in.
 *
 * @param modules  original path by the library's path, neither with a dot behind
 */
export function inModules(name: string, modules: ReadonlyMap<string, string>): string | undefined {
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const original = modules.get(name.slice(0, end));
    if (original !== undefined) return original + name.slice(end);
  }
  return undefined;
}

/** Numbers that stand behind `prefix` in some of the names, ascending: `prefix0.weight`, `prefix2.0.bias` → 0, 2. */
export function numbersBehind(names: Iterable<string>, prefix: string): number[] {
  const found = new Set<number>();
  for (const name of names) {
    const number = name.startsWith(prefix) ? /^\d{1,4}(?=\.)/.exec(name.slice(prefix.length)) : null;
    if (number) found.add(Number(number[0]));
  }
  return [...found].sort((a, b) => a - b);
}
