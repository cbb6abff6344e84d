import type { Engine, Model, ProgressListener } from '@secateur/core';
import type { Bitmap } from '@secateur/pipelines';

export interface PictureOptions {
  readonly engine: Engine;
  readonly threads?: number;
  readonly seed: number;
  /** Default 8. */
  readonly count?: number;
  /** Default 25. */
  readonly steps?: number;
  /** Default `ddim`. */
  readonly sampler?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Pictures of two models from the same noise, as PNGs of one row each. */
export interface PicturePair {
  readonly dense: Uint8Array;
  readonly pruned: Uint8Array;
  readonly count: number;
  readonly steps: number;
  readonly sampler: string;
  readonly seed: number;
}

export async function picturePair(models: readonly [Model, Model], options: PictureOptions): Promise<PicturePair> {
  const { encodePng } = await import('@secateur/pipelines');
  const { count = 8, steps = 25, sampler = 'ddim', seed } = options;
  const [dense, pruned] = await samePictures(models, options);
  const row = (bitmaps: readonly Bitmap[]) => encodePng(bitmaps, { columns: count });
  return { dense: row(dense!), pruned: row(pruned!), count, steps, sampler, seed };
}

/** Pictures of every model, all from the same noise. */
export async function samePictures(models: readonly Model[], options: PictureOptions): Promise<(readonly Bitmap[])[]> {
  const { createPipeline } = await import('@secateur/pipelines');
  const { engine, threads, seed, count = 8, steps = 25, sampler = 'ddim', signal, onProgress } = options;
  const all: (readonly Bitmap[])[] = [];
  for (const [i, model] of models.entries()) {
    const pipeline = await createPipeline(model, { engine, threads, sampler, signal });
    try {
      const { images } = await pipeline({
        count,
        steps,
        seed,
        signal,
        onStep: ({ done, total }) =>
          onProgress?.({ phase: 'pictures', done: i * total + done, total: models.length * total, unit: 'steps' }),
      });
      all.push(images);
    } finally {
      await pipeline.dispose();
    }
  }
  return all;
}
