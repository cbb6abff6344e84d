import type { Tensor } from '@secateur/graph';
import type { NoiseProcess, PredictionType, Timesteps } from './noise-process.js';
import type { TorchGenerator } from './torch-generator.js';

/** A diffusers `scheduler_config.json`. Fields left out have diffusers' defaults for the class. */
export type SchedulerConfig = Readonly<Record<string, unknown>> & { readonly _class_name?: unknown };

/**
 * What a sampler must remember between steps, beside the sample: named tensors, empty for most. Plain data, so it can be
 * stored (as safetensors, say) and sampling resumed.
 */
export type SamplerState = Readonly<Record<string, Tensor>>;

export interface StepInput {
  /** The model's answer to `scaleInput(sample, index)`, `[batch, channels, ...]`; learned variances may follow. */
  readonly modelOutput: Tensor;
  /** `[batch, channels, ...]`, float32. */
  readonly sample: Tensor;
  /** Which step this is: an index into `timesteps`. */
  readonly index: number;
  /** What the step before returned. Left out at the first index. */
  readonly state?: SamplerState;
  /** Standard normal noise of the sample's shape, for a step that needs some. */
  readonly noise?: Tensor;
  /** Draws the noise when `noise` is not given. */
  readonly generator?: TorchGenerator;
}

export interface StepResult {
  /** The next, cleaner sample. */
  readonly sample: Tensor;
  /** What the sampler takes the clean sample to be at this point: good for previews. */
  readonly predictedOriginal: Tensor;
  readonly state: SamplerState;
}

/** A sampler laid out for a number of steps. Pure: calling a step twice gives the same result twice. */
export interface SamplingPlan {
  /** The timestep of each call of the model; Heun and PNDM make more calls than steps asked for. May be fractions. */
  readonly timesteps: readonly number[];
  /** Index of the first call: 0, unless steps were skipped. */
  readonly begin: number;
  /** Standard deviation of the noise that sampling starts from. */
  readonly initialNoiseScale: number;
  /** A first sample: `randn(shape)` times `initialNoiseScale`. */
  init(shape: readonly number[], generator: TorchGenerator): Tensor;
  /** A first sample from a clean one: as noisy as the sample is before call `begin`. `noise` is standard normal. */
  noised(clean: Tensor, noise: Tensor): Tensor;
  /** Whether step `index` uses noise. */
  drawsNoise(index: number): boolean;
  /** What the model is to be given for this sample. */
  scaleInput(sample: Tensor, index: number): Tensor;
  /**
   * @throws {SecateurError} SHAPE_MISMATCH when shapes do not fit
   * @throws {SecateurError} BAD_OPTION when noise is needed and neither `noise` nor `generator` is given, when the index is
   *   out of range, or when the state is not the one the step before returned
   */
  step(input: StepInput): StepResult;
}

export interface PlanOptions {
  /** DDIM: share of DDPM's noise added back at each step, in [0, 1]. Default 0. */
  readonly eta?: number;
  /** Flow matching with `use_dynamic_shifting`: the amount of shift, which depends on the picture's size. */
  readonly mu?: number;
  /** Flow matching: the share of noise at each step before it is shifted, one a step. Default: evenly spaced. */
  readonly sigmas?: readonly number[];
  /** Image to image: steps left out at the start, below the number of steps. Default 0. */
  readonly skip?: number;
}

/** A diffusers scheduler as plain functions. */
export interface Sampler {
  /** diffusers' class, e.g. `DDIMScheduler`. */
  readonly className: string;
  /** The configuration with all defaults filled in. */
  readonly config: SchedulerConfig;
  readonly prediction: PredictionType;
  readonly process: NoiseProcess;
  /** @throws {SecateurError} BAD_OPTION when the number of steps is out of range, or an option is not for this class */
  plan(steps: number, options?: PlanOptions): SamplingPlan;
  /** The timesteps of `plan(steps)`. */
  timesteps(steps: number, options?: PlanOptions): readonly number[];
  /** The noisy input of the model for clean samples `x0 [batch, ...]`, as in training. */
  addNoise(x0: Tensor, noise: Tensor, timesteps: Timesteps): Tensor;
  /** The target of v-prediction. */
  velocity(x0: Tensor, noise: Tensor, timesteps: Timesteps): Tensor;
  /** What the model was trained to answer to `addNoise(x0, noise, timesteps)`. */
  target(x0: Tensor, noise: Tensor, timesteps: Timesteps): Tensor;
}
