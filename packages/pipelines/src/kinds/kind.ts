import type { PlanOptions } from '@secateur/samplers';
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
  /** Options of the sampler that follow from the latent's size. */
  plan?(height: number, width: number): PlanOptions;
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
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/** The denoiser's inputs beside sample and timestep, a row for each picture. */
export interface Conditions {
  readonly given: Feeds;
  /** The same without prompt or label, for guidance. */
  readonly without?: Feeds;
}

/** Whether a request needs the model's answer without the prompt. */
export function isGuided({ guidanceScale }: ConditionRequest): boolean {
  return guidanceScale > 1;
}
