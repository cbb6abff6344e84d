import type { Model, SourceFolder } from '@secateur/core';

type Json = Readonly<Record<string, unknown>>;

const schedulerPaths = ['scheduler_config.json', 'scheduler/scheduler_config.json'];
const configPaths = ['config.json', 'unet/config.json', 'transformer/config.json'];

/** Larger files are no configuration of ours. */
const maxBytes = 2 ** 24;

/**
 * What an ONNX file does not say about itself and files beside it may: its scheduler, and the size it is used at.
 * @throws {SecateurError} BAD_FILE when such a file is damaged
 */
export async function withNeighbours(model: Model, folder: SourceFolder): Promise<Model> {
  const scheduler = model.scheduler ?? (await firstJson(folder, schedulerPaths));
  const size = sizeOf((await firstJson(folder, configPaths))?.sample_size);
  if (!size) return { ...model, scheduler };
  const known = Object.entries(size).filter(([symbol]) => symbol in model.sizes);
  return { ...model, scheduler, sizes: { ...model.sizes, ...Object.fromEntries(known) } };
}

/** `sample_size` of a diffusers configuration: one number, or `[height, width]`. */
function sizeOf(sampleSize: unknown): { height: number; width: number } | undefined {
  const [height, width] = Array.isArray(sampleSize) ? sampleSize : [sampleSize, sampleSize];
  return isSize(height) && isSize(width) ? { height, width } : undefined;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

async function firstJson(folder: SourceFolder, paths: readonly string[]): Promise<Json | undefined> {
  for (const path of paths) {
    if (!(await folder.has(path))) continue;
    const file = await folder.open(path);
    try {
      if (file.size > maxBytes) return undefined;
      const { parsePythonJson } = await import('@secateur/diffusers');
      const json = parsePythonJson(await file.read(0, file.size), { file: path });
      return typeof json === 'object' && json !== null ? (json as Json) : undefined;
    } finally {
      await file.close?.();
    }
  }
  return undefined;
}
