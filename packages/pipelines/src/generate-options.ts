import type { ProgressListener } from '@secateur/core';
import type { Tensor } from '@secateur/graph';
import type { Sampler, SchedulerConfig, TorchGenerator } from '@secateur/samplers';
import type { Bitmap } from './bitmap.js';

/** A sampler, a diffusers scheduler configuration, or a sampler's short name (the model's own configuration says the rest). */
export type SamplerChoice = Sampler | SchedulerConfig | string;

export interface GenerateOptions {
  /** Number of pictures; of each prompt, where there are several. Default 1, or one for each class label. */
  readonly count?: number;
  /** Denoising steps. Default 50; 4 for models distilled to few steps. */
  readonly steps?: number;
  /** A seed, or a generator to go on drawing from. Default 0. */
  readonly seed?: number | TorchGenerator;
  /** Default: the pipeline's. */
  readonly sampler?: SamplerChoice;
  /** DDIM: share of noise added back at each step, in [0, 1]. Default 0. */
  readonly eta?: number;
  /**
   * Rows the models are run on at once; guidance doubles a picture's rows. It changes speed and memory, not the noise that
   * is drawn. Default 8.
   */
  readonly batchSize?: number;
  /** For models with class labels: one for each picture. */
  readonly classLabels?: readonly number[];
  /** How strongly to follow prompt or label; 1 and below is not at all. Default: the kind's usual one (Stable Diffusion 7.5). */
  readonly guidanceScale?: number;
  /** Share of the guided answer's spread that is brought back to the unguided one's, in [0, 1]. Default 0. */
  readonly guidanceRescale?: number;
  /** What is not wanted: for all pictures, or one for each prompt. Default: the empty text. */
  readonly negativePrompt?: string | readonly string[];
  /** Of a picture, in pixels. Default: the size the model was made for. */
  readonly width?: number;
  readonly height?: number;
  /**
   * Image to image: what to start from, one for all pictures or one for each. A tensor is
   * `[count, channels, height, width]` in [-1, 1].
   */
  readonly image?: Bitmap | readonly Bitmap[] | Tensor;
  /** Image to image: share of the steps that are taken, in (0, 1]. Default 0.8. */
  readonly strength?: number;
  readonly signal?: AbortSignal;
  /** Phases `encoding text` in prompts, `sampling` in steps, `decoding` in pictures. */
  readonly onProgress?: ProgressListener;
  /** Called, and awaited, after every step. */
  onStep?(event: StepEvent): void | Promise<void>;
}

export interface StepEvent {
  /** 1 after the first call of the model. */
  readonly done: number;
  /** Calls of the model in all; Heun and PNDM make more than the steps asked for. */
  readonly total: number;
  readonly timestep: number;
  /** [count, channels, height, width], float32; latents, where there is an autoencoder. */
  readonly sample: Tensor;
  /** What the sampler takes the clean sample to be so far. */
  readonly predictedOriginal: Tensor;
  /** `predictedOriginal` as pictures; latents are decoded, which takes its time. */
  preview(): Promise<Bitmap[]>;
}

export interface Generated {
  /** 8-bit pictures; empty when the model's channels (above 4) make no picture. */
  readonly images: readonly Bitmap[];
  /** [count, channels, height, width], float32, as model or autoencoder left them: about [-1, 1], not cut. */
  readonly raw: Tensor;
  /** What the autoencoder decoded. */
  readonly latents?: Tensor;
}
