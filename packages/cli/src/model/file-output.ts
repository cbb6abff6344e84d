import { basename, dirname, join } from 'node:path';
import type { OutputFolder } from '@secateur/core';
import { type AtomicOptions, atomicFile, type OutputFile } from '@secateur/core/node';

/**
 * Single files as an output folder: what is created as `model.onnx` lands at `path`, files beside it keep their names'
 * endings. Each appears complete at `commit`, `path` itself last.
 */
export function fileOutput(path: string, options: AtomicOptions = {}): OutputFolder {
  const files = new Map<string, OutputFile>();
  return {
    name: path,
    async create(name) {
      const file = await atomicFile(join(dirname(path), basename(name)), options);
      files.set(basename(name), file);
      return file;
    },
    async commit() {
      const order = [...files].sort(([a], [b]) => Number(a === basename(path)) - Number(b === basename(path)));
      for (const [, file] of order) await file.commit();
    },
    async discard() {
      for (const file of files.values()) await file.discard();
    },
  };
}
