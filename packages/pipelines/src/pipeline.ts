import type { Engine, Logger, Model } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { createSampler, type Sampler, type SchedulerConfig, samplerNamed } from '@secateur/samplers';
import type { Autoencoder } from './autoencoder.js';
import { denoiserInputs } from './denoiser.js';
import { withFractionalTimesteps } from './fractional-timesteps.js';
import { generate, type Parts } from './generate.js';
import type { Generated, GenerateOptions, SamplerChoice } from './generate-options.js';
import type { PipelineKind } from './kinds/kind.js';
import { unconditional } from './kinds/unconditional.js';
import { graphRunner } from './model-runner.js';
import { checkRequest } from './request.js';

export interface PipelineOptions {
  readonly engine: Engine;
  /** Default: the scheduler configuration found with the model. */
  readonly sampler?: SamplerChoice;
  /** Threads of one run. Default: the engine's. */
  readonly threads?: number;
  /** Hears what was cut off a prompt. Default: nobody. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

/** Makes pictures: call it with a prompt, where the model takes one, and options. */
export interface DiffusionPipeline {
  (prompt: string | readonly string[], options?: GenerateOptions): Promise<Generated>;
  (options?: GenerateOptions): Promise<Generated>;
  /** The denoiser. */
  readonly model: Model;
  readonly sampler: Sampler;
  /** What it makes pictures from, beside noise. */
  readonly takes: 'prompts' | 'labels' | 'nothing';
  /** Denoising steps where a call says none. */
  readonly steps: number;
  /** Scale of guidance where a call says none; absent where there is no guidance. */
  readonly guidanceScale?: number;
  /** Frees what the engine holds. */
  dispose(): Promise<void>;
}

/**
 * A pipeline for a single denoiser with inputs `sample`, `timestep` and maybe `class_labels`; the first output is the
 * prediction. It is compiled at once.
 *
 * The noise is drawn as diffusers' pipelines draw it: `randn` of all pictures first, then each step's noise from the same
 * generator. The same seed, count and sampler give diffusers' pictures.
 *
 * @throws {SecateurError} BAD_OPTION when there is no sampler or the inputs do not fit; BAD_CONFIG for a bad scheduler; and
 *   what the engine throws
 */
export async function createPipeline(model: Model, options: PipelineOptions): Promise<DiffusionPipeline> {
  const { pipeline, parts } = assemble(
    { model, kindOf: (inputs) => unconditional(model, inputs), scheduler: model.scheduler, keep: true },
    options,
  );
  await parts.denoiser.use(async () => {});
  return pipeline;
}

/** What a pipeline is put together from. */
export interface Assembly {
  readonly model: Model;
  kindOf(inputs: Parts['inputs']): PipelineKind;
  readonly vae?: Autoencoder;
  readonly scheduler?: SchedulerConfig;
  /** Whether models stay compiled from call to call. */
  readonly keep: boolean;
}

export function assemble(
  { model, kindOf, vae, scheduler, keep }: Assembly,
  options: PipelineOptions,
): { pipeline: DiffusionPipeline; parts: Parts } {
  const { engine, threads, signal } = options;
  const sampler = chosenSampler(model, scheduler, options.sampler ?? scheduler);
  const named = denoiserInputs(model);
  const graph = withFractionalTimesteps(model.graph, named.timestep.name);
  const inputs = denoiserInputs({ ...model, graph });
  const kind = kindOf(inputs);
  const denoiser = graphRunner(graph, { engine, threads, keep, signal });
  const parts: Parts = { kind, inputs, output: graph.outputs[0].name, denoiser, vae };
  const scale = vae?.factor ?? 1;
  const [, height, width] = kind.latent ?? inputs.shape;
  const usual = { height: height * scale, width: width * scale, factor: scale * (kind.sizeFactor ?? 1) };
  const call = async (first?: string | readonly string[] | GenerateOptions, second: GenerateOptions = {}) => {
    const isPrompt = typeof first === 'string' || Array.isArray(first);
    const [prompt, request] = isPrompt
      ? [first as string | readonly string[], second]
      : [undefined, (first ?? {}) as GenerateOptions];
    const checked = checkRequest(kind, usual, prompt, request);
    if (checked.negative && (kind.embedsGuidance || kind.guidanceScale === undefined || checked.guidanceScale <= 1)) {
      options.logger?.warn('The negative prompt has no effect: the model is run without guidance by it.');
    }
    const own = request.sampler === undefined ? sampler : chosenSampler(model, scheduler, request.sampler);
    return generate(parts, own, checked, request);
  };
  const { takes, steps, guidanceScale } = kind;
  const dispose = async (): Promise<void> => {
    await denoiser.dispose();
    await vae?.dispose();
    await kind.dispose();
  };
  const pipeline = Object.assign(call, {
    model,
    sampler,
    takes,
    steps,
    ...(guidanceScale !== undefined && { guidanceScale }),
    dispose,
  });
  return { pipeline, parts };
}

function chosenSampler(
  model: Model,
  scheduler: SchedulerConfig | undefined,
  choice: SamplerChoice | undefined,
): Sampler {
  if (choice === undefined) {
    throw new SecateurError('BAD_OPTION', `${model.name} comes with no scheduler configuration.`, {
      field: 'sampler',
      hint: "Pass a sampler, e.g. sampler: 'ddim'.",
    });
  }
  if (typeof choice === 'string') return samplerNamed(choice, scheduler);
  return isSampler(choice) ? choice : createSampler(choice);
}

function isSampler(choice: Sampler | SchedulerConfig): choice is Sampler {
  return typeof choice.plan === 'function';
}
