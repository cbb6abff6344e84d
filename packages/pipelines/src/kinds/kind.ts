import type { Tensor } from '@secateur/graph';
import type { PlanOptions, SchedulerConfig } from '@secateur/samplers';
import type { Feeds } from '../rows.js';

/** What a kind of pipeline adds to the loop that all share. */
export interface PipelineKind {
  /** For messages: `Stable Diffusion`. */
  readonly name: string;
  readonly takes: 'prompts' | 'labels' | 'nothing';
  readonly steps: number;
  /** Default scale of guidance; absent where there is nothing to guide by. */
  readonly guidanceScale?: number;
  /** The guidance scale is an input of the model: it is run once for both. */
  readonly embedsGuidance?: boolean;
  /** The model's answer has variances behind the prediction, and nobody reads them. */
  readonly cutsVariance?: boolean;
  /** Shape of one latent at the usual size, where the denoiser's input does not tell. */
  readonly latent?: readonly [channels: number, height: number, width: number];
  /** Latents along a side of what the denoiser cannot divide. Default 1. */
  readonly sizeFactor?: number;
  /** What the denoiser takes timesteps times. Default 1. */
  readonly timestepScale?: number;
  /** A latent as the denoiser takes it. Default: as it is. */
  toModel?(latent: Tensor): Tensor;
  /** The denoiser's answer as a latent, of the shape of `like`. Default: as it is. */
  fromModel?(answer: Tensor, like: Tensor): Tensor;
  /** Image to image: steps that are left out are rounded down, instead of those that are taken; as in diffusers. */
  readonly takesMoreSteps?: boolean;
  /** Where pictures have to be run one by one: the conditions of one as the denoiser takes them. */
  unpadded?(row: Feeds): Feeds;
  /** Options of the sampler that follow from the latent's size. */
  plan?(height: number, width: number, sampling: { config: SchedulerConfig; steps: number }): PlanOptions;
  conditions(request: ConditionRequest): Promise<Conditions>;
  /** Frees what the engine holds. */
  dispose(): Promise<void>;
}

export interface ConditionRequest {
  /** One a picture, where the kind takes them. */
  readonly prompts: readonly string[];
  /** The same for what is not wanted; absent when nothing was said. */
  readonly negative?: readonly string[];
  readonly labels: readonly number[];
  readonly count: number;
  readonly guidanceScale: number;
  /** Of a picture, in pixels. */
  readonly height: number;
  readonly width: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/** The denoiser's inputs beside sample and timestep, a row for each picture. */
export interface Conditions {
  readonly given: Feeds;
  /** The same without prompt or label, for guidance. */
  readonly without?: Feeds;
  /** Inputs that are the same for all pictures. */
  readonly shared?: Feeds;
}

/** Whether a request needs the model's answer without the prompt. */
export function isGuided({ guidanceScale }: ConditionRequest): boolean {
  return guidanceScale > 1;
}
