import type { Engine, Model } from '@secateur/core';
import { SecateurError, type Tensor, throwIfAborted } from '@secateur/graph';
import {
  createSampler,
  type Sampler,
  type SamplerState,
  type SchedulerConfig,
  samplerNamed,
  type TorchGenerator,
  torchGenerator,
} from '@secateur/samplers';
import { type Bitmap, bitmapsFrom, isPictureDepth } from './bitmap.js';
import { type Denoiser, denoise, denoiserInputs } from './denoiser.js';

/** A sampler, a diffusers scheduler configuration, or a sampler's short name (the model's own configuration says the rest). */
export type SamplerChoice = Sampler | SchedulerConfig | string;

export interface PipelineOptions {
  readonly engine: Engine;
  /** Default: the scheduler configuration found with the model. */
  readonly sampler?: SamplerChoice;
  /** Threads of one run. Default: the engine's. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface GenerateOptions {
  /** Number of pictures. Default 1. */
  readonly count?: number;
  /** Denoising steps. Default 50. */
  readonly steps?: number;
  /** A seed, or a generator to go on drawing from. Default 0. */
  readonly seed?: number | TorchGenerator;
  /** Default: the pipeline's. */
  readonly sampler?: SamplerChoice;
  /** DDIM: share of noise added back at each step, in [0, 1]. Default 0. */
  readonly eta?: number;
  /** Pictures the model is run on at once. It changes speed and memory, not the noise that is drawn. Default 8. */
  readonly batchSize?: number;
  /** For models with class labels: one for each picture. */
  readonly classLabels?: readonly number[];
  readonly signal?: AbortSignal;
  /** Called, and awaited, after every step. */
  onStep?(event: StepEvent): void | Promise<void>;
}

export interface StepEvent {
  /** 1 after the first call of the model. */
  readonly done: number;
  /** Calls of the model in all; Heun and PNDM make more than the steps asked for. */
  readonly total: number;
  readonly timestep: number;
  /** [count, channels, height, width], float32. */
  readonly sample: Tensor;
  /** What the sampler takes the pictures to be so far. */
  readonly predictedOriginal: Tensor;
  /** `predictedOriginal` as pictures. */
  preview(): Bitmap[];
}

export interface Generated {
  /** 8-bit pictures; empty when the model's channels (above 4) make no picture. */
  readonly images: readonly Bitmap[];
  /** [count, channels, height, width], float32, as the sampler left them: about [-1, 1], not cut. */
  readonly raw: Tensor;
}

/** Makes pictures from noise: call it. */
export interface DiffusionPipeline {
  (options?: GenerateOptions): Promise<Generated>;
  readonly model: Model;
  readonly sampler: Sampler;
  /** Frees what the engine holds. */
  dispose(): Promise<void>;
}

/**
 * A pipeline for an unconditional (or class-conditional) denoiser with inputs `sample`, `timestep` and maybe
 * `class_labels`; the first output is the prediction.
 *
 * The noise is drawn as diffusers' pipelines draw it: `randn` of all pictures first, then each step's noise from the same
 * generator. The same seed, count and sampler give diffusers' pictures.
 *
 * @throws {SecateurError} BAD_OPTION when there is no sampler or the inputs do not fit; BAD_CONFIG for a bad scheduler; and
 *   what the engine throws
 */
export async function createPipeline(model: Model, options: PipelineOptions): Promise<DiffusionPipeline> {
  const { engine, threads, signal } = options;
  const sampler = chosenSampler(model, options.sampler ?? model.scheduler);
  const inputs = denoiserInputs(model);
  const executable = await engine.compile(model.graph, { threads, signal });
  const denoiser: Denoiser = { inputs, executable, output: model.graph.outputs[0].name };
  const generate = (request: GenerateOptions = {}): Promise<Generated> => {
    const own = request.sampler === undefined ? sampler : chosenSampler(model, request.sampler);
    return sampleFrom(denoiser, own, request);
  };
  return Object.assign(generate, { model, sampler, dispose: () => executable.dispose() });
}

function chosenSampler(model: Model, choice: SamplerChoice | undefined): Sampler {
  if (choice === undefined) {
    throw new SecateurError('BAD_OPTION', `${model.name} comes with no scheduler configuration.`, {
      field: 'sampler',
      hint: "Pass a sampler, e.g. sampler: 'ddim'.",
    });
  }
  if (typeof choice === 'string') return samplerNamed(choice, model.scheduler);
  return isSampler(choice) ? choice : createSampler(choice);
}

function isSampler(choice: Sampler | SchedulerConfig): choice is Sampler {
  return typeof choice.plan === 'function';
}

async function sampleFrom(denoiser: Denoiser, sampler: Sampler, request: GenerateOptions): Promise<Generated> {
  const { count = 1, steps = 50, seed = 0, eta, batchSize = 8, classLabels, signal, onStep } = request;
  checkCount('count', count);
  checkCount('batchSize', batchSize);
  checkLabels(denoiser, count, classLabels);
  const generator = typeof seed === 'number' ? torchGenerator(seed) : seed;
  const plan = sampler.plan(steps, { eta });
  let sample = plan.init([count, ...denoiser.inputs.shape], generator);
  let state: SamplerState | undefined;
  for (const [index, timestep] of plan.timesteps.entries()) {
    throwIfAborted(signal);
    const input = plan.scaleInput(sample, index);
    const modelOutput = await denoise(denoiser, input, timestep, { batchSize, classLabels, signal });
    const result = plan.step({ modelOutput, sample, index, state, generator });
    ({ sample, state } = result);
    const { predictedOriginal } = result;
    await onStep?.({
      done: index + 1,
      total: plan.timesteps.length,
      timestep,
      sample,
      predictedOriginal,
      preview: () => bitmapsFrom(predictedOriginal),
    });
  }
  return { images: isPictureDepth(denoiser.inputs.shape[0]) ? bitmapsFrom(sample) : [], raw: sample };
}

function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new SecateurError('BAD_OPTION', `${name} is ${value}; it must be a whole number of at least 1.`, {
    field: name,
  });
}

function checkLabels(denoiser: Denoiser, count: number, labels: readonly number[] | undefined): void {
  const { takesLabels } = denoiser.inputs;
  if (takesLabels ? labels?.length === count && labels.every(Number.isInteger) : labels === undefined) return;
  throw new SecateurError(
    'BAD_OPTION',
    takesLabels
      ? `The model needs a whole-number class label for each of ${count} pictures.`
      : 'The model takes no labels.',
    { field: 'classLabels' },
  );
}
