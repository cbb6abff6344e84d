/** Files under one folder. */
export interface CommonFolder {
  /** Absolute, with `/`. */
  readonly folder: string;
  /** Path of each file relative to the folder, with `/`, by the absolute path that was given. */
  readonly relative: ReadonlyMap<string, string>;
}

/**
 * The deepest folder that holds all files, so that an ONNX model can refer to them by relative paths. Files on another
 * drive than the first have no such path and are left out.
 *
 * @param paths absolute file paths, POSIX or Windows
 */
export function commonFolder(paths: readonly string[]): CommonFolder | undefined {
  const [first] = paths;
  if (first === undefined) return undefined;
  const root = segments(first)[0];
  const files = [...new Set(paths)].filter((path) => segments(path)[0] === root);
  let shared = segments(first).slice(0, -1);
  for (const path of files) {
    const parts = segments(path).slice(0, -1);
    const differ = shared.findIndex((part, i) => part !== parts[i]);
    if (differ >= 0) shared = shared.slice(0, differ);
  }
  const relative = new Map(files.map((path) => [path, segments(path).slice(shared.length).join('/')]));
  // The root alone is `/`, or `C:/`.
  return { folder: shared.length === 1 ? `${shared[0]}/` : shared.join('/'), relative };
}

/** `/a/b` is `['', 'a', 'b']`, `C:\a` is `['C:', 'a']`. */
function segments(path: string): string[] {
  return /^[A-Za-z]:[\\/]/.test(path) ? path.split(/[\\/]/) : path.split('/');
}
