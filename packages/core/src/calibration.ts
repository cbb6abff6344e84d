import type { Tensor } from '@secateur/graph';
import type { Json } from './run-store.js';

/** Inputs of one run of the model and what it should have said. */
export interface CalibrationBatch {
  /** Model inputs by name; the first axis of each is the batch. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Wanted output, of the output's shape. */
  readonly target: Tensor;
  /** Diffusion timestep of every sample. `[batch]` */
  readonly timesteps: readonly number[];
  /** Weight of the batch in sums over batches. Default use: 1. */
  readonly weight: number;
}

/** Real samples, noised to any timestep on demand, always with the same noise. */
export interface Calibration {
  /** Number of timesteps of the noise schedule, usually 1,000. */
  readonly timesteps: number;
  /** Number of clean samples. */
  readonly samples: number;
  /**
   * Channels of the target (axis 1). Models that also predict variances have more: losses are over the first ones. Default:
   * as many as the model's output.
   */
  readonly targetChannels?: number;
  /**
   * All samples at every timestep given, timesteps in the order given and samples in order within each, cut into batches
   * of `batchSize` (default: all samples of one timestep). A `batchSize` above the number of samples mixes timesteps.
   */
  batches(request: {
    readonly timesteps: readonly number[];
    readonly batchSize?: number;
  }): AsyncIterable<CalibrationBatch>;
  /** Where the samples and the noise come from, for the manifest: names, hashes, seeds. */
  describe(): Promise<Json>;
}
