import type { CalibrationBatch } from '@secateur/core';
import type { DType, Tensor } from '@secateur/graph';
import { type InputNames, noisedBatch } from './noised-batch.js';
import type { Sampler } from './sampler.js';
import { type TorchGenerator, torchGenerator } from './torch-generator.js';

export interface NoisedBatchesOptions {
  /** Clean batches `[batch, channels, height, width]`, float32, scaled as in training (pictures: -1..1). */
  readonly images: Iterable<Tensor> | AsyncIterable<Tensor>;
  readonly sampler: Sampler;
  /** A seed, or a generator to go on drawing from. */
  readonly seed: number | TorchGenerator;
  /**
   * `random`: every sample gets a timestep of its own, drawn evenly, as in training. A list: every batch of images is given
   * once at each timestep, in the order of the list, always with the same noise.
   */
  readonly timesteps: 'random' | readonly number[];
  readonly names?: InputNames;
  /** Of the model's timestep input. Default int64. */
  readonly timestepDType?: DType;
}

/**
 * Noisy batches from a stream of clean ones, for training and for statistics over more data than fits in memory. For each
 * batch of images the noise is drawn first, then (with `random`) the timesteps.
 */
export async function* noisedBatches(options: NoisedBatchesOptions): AsyncGenerator<CalibrationBatch> {
  const { images, sampler, seed, timesteps } = options;
  const generator = typeof seed === 'number' ? torchGenerator(seed) : seed;
  for await (const x0 of images) {
    const noise = generator.randn(x0.shape);
    const batch = x0.shape[0];
    if (timesteps === 'random') {
      const drawn = generator.randint(sampler.process.trainTimesteps, batch);
      yield noisedBatch(sampler, { x0, noise, timesteps: drawn }, options);
      continue;
    }
    for (const timestep of timesteps) {
      const same = new Array<number>(batch).fill(timestep);
      yield noisedBatch(sampler, { x0, noise, timesteps: same }, options);
    }
  }
}
