import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicFile, nodeFile } from '@secateur/core/node';
import type { CheckpointStore } from './checkpoint-store.js';

const ours = /^(?:checkpoint\.json|step-\d+\.safetensors|\..+\.secateur-.+\.tmp)$/;

/** Checkpoints in a folder, made when first written to. `clear` removes the files it knows and the folder if then empty. */
export function folderCheckpoints(folder: string): CheckpointStore {
  return {
    name: folder,
    async open(file) {
      const path = join(folder, file);
      const isThere = await stat(path).then(
        () => true,
        () => false,
      );
      return isThere ? nodeFile(path) : undefined;
    },
    create: (file) => atomicFile(join(folder, file), { replace: true }),
    remove: (file) => rm(join(folder, file), { force: true }),
    async clear() {
      const files = await readdir(folder).catch(() => []);
      for (const file of files) if (ours.test(file)) await rm(join(folder, file), { force: true });
      if (files.every((file) => ours.test(file))) await rmdir(folder).catch(() => {});
    },
  };
}
