import type { SourceFolder } from './files.js';
import { safePath } from './safe-path.js';

/**
 * A folder inside a folder, e.g. `subfolder(pipeline, 'unet')`. The outer folder's guards stay in force.
 * @throws {SecateurError} BAD_FILE when the path could leave the folder
 */
export function subfolder(folder: SourceFolder, path: string): SourceFolder {
  const prefix = `${safePath(path, folder.name)}/`;
  const inner = (file: string): string => prefix + safePath(file, folder.name);
  return {
    name: `${folder.name}/${prefix.slice(0, -1)}`,
    path: folder.path === undefined ? undefined : `${folder.path}/${prefix.slice(0, -1)}`,
    list: async () =>
      (await folder.list()).filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length)),
    has: async (file) => folder.has(inner(file)),
    open: async (file) => folder.open(inner(file)),
  };
}
