import { type Logger, type Model, type SourceFolder, silentLogger, subfolder } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { SchedulerConfig } from '@secateur/samplers';
import { loadTokenizer, type TransformersLibrary } from '@secateur/transformers';
import { type Autoencoder, autoencoder } from './autoencoder.js';
import type { DenoiserInputs } from './denoiser.js';
import { dit } from './kinds/dit.js';
import { flux, fluxTokens } from './kinds/flux.js';
import type { PipelineKind } from './kinds/kind.js';
import { pixart, pixartTokens } from './kinds/pixart.js';
import { sd3, sd3Tokens } from './kinds/sd3.js';
import { sdxl } from './kinds/sdxl.js';
import { stableDiffusion } from './kinds/stable-diffusion.js';
import { unconditional } from './kinds/unconditional.js';
import { givenPart, hasPart, type Json, jsonIfAny, type LoadedPart, loadPart, missingPart } from './load-part.js';
import type { RunnerOptions } from './model-runner.js';
import { assemble, type DiffusionPipeline as Pipeline, type PipelineOptions } from './pipeline.js';
import { type TextEncoder, type TextEncoderParts, type TextOutput, textEncoder } from './text-encoder.js';

export interface FromPretrainedOptions extends PipelineOptions {
  /** Models to take instead of the folder's own, by the names of their folders: `unet`, `vae`, `text_encoder`, … */
  readonly components?: Readonly<Record<string, Model | SourceFolder>>;
  /** Hold one model at a time, for memory's sake: each is compiled anew when its turn comes. Default false. */
  readonly offload?: boolean;
  /** Another build of transformers.js. Default: the installed `@xenova/transformers`. */
  readonly lib?: TransformersLibrary;
}

/**
 * A pipeline from a folder as diffusers has it (`model_index.json`, a folder for each part), or as optimum exports it
 * (`unet/model.onnx`, `vae_decoder/model.onnx`, …). Everything is looked at before anything is run; weights are read when
 * they are needed.
 *
 * @throws {SecateurError} BAD_FILE naming a part that is missing or damaged; BAD_CONFIG; BAD_OPTION for a kind of pipeline
 *   that is not known; SHAPE_MISMATCH when parts do not fit together; MISSING_DEPENDENCY
 */
export async function fromPretrained(folder: SourceFolder, options: FromPretrainedOptions): Promise<Pipeline> {
  const opened = new OpenedFolder(folder, options);
  const index = (await jsonIfAny(folder, 'model_index.json')) ?? {};
  const denoiser = await opened.denoiser();
  const vae = await opened.autoencoder(index);
  checkLatents(denoiser, vae);
  const scheduler = await opened.scheduler(index);
  const encoders = await opened.textEncoders(denoiser, index);
  return assemble(
    {
      model: { ...denoiser.model, name: lastPart(folder.name) },
      kindOf: (inputs) => kindOf(denoiser, inputs, encoders, index),
      vae,
      scheduler,
      keep: !options.offload,
    },
    options,
  ).pipeline;
}

/** transformers.js-like: `await DiffusionPipeline.fromPretrained(folder, { engine })`. */
export const DiffusionPipeline: { readonly fromPretrained: typeof fromPretrained } = { fromPretrained };
export type DiffusionPipeline = Pipeline;

export function kindOf(
  { model, config }: LoadedPart,
  inputs: DenoiserInputs,
  encoders: readonly TextEncoder[],
  index: Json,
): PipelineKind {
  const takes = (name: string): boolean => inputs.conditions.some((input) => input.name === name);
  if (takes('img_ids')) return flux(model, inputs, encoders[0], encoders[1]);
  if (takes('pooled_projections')) {
    const patch = typeof config.patch_size === 'number' ? config.patch_size : 2;
    return sd3(model, inputs, encoders.slice(0, 2), encoders[2], patch);
  }
  if (takes('encoder_hidden_states')) {
    if (inputs.sample.name === 'hidden_states') return pixart(model, inputs, encoders[0]);
    if (takes('text_embeds')) return sdxl(model, inputs, encoders, index.force_zeros_for_empty_prompt !== false);
    return stableDiffusion(model, inputs, encoders[0]);
  }
  if (inputs.sample.name === 'hidden_states') return dit(model, inputs, config);
  return unconditional(model, inputs);
}

/** Parts of a pipeline's folder, or those passed instead. */
export class OpenedFolder {
  private readonly runner: RunnerOptions & { logger: Logger };

  constructor(
    private readonly folder: SourceFolder,
    private readonly options: FromPretrainedOptions,
  ) {
    const { engine, threads, offload, signal, logger = silentLogger } = options;
    this.runner = { engine, threads, keep: !offload, signal, logger };
  }

  async has(name: string): Promise<boolean> {
    return this.options.components?.[name] !== undefined || hasPart(this.folder, name);
  }

  async part(name: string): Promise<LoadedPart> {
    const given = this.options.components?.[name];
    return given ? givenPart(given, name) : loadPart(subfolder(this.folder, name), name);
  }

  async denoiser(): Promise<LoadedPart> {
    for (const name of ['unet', 'transformer']) if (await this.has(name)) return this.part(name);
    if ((await this.folder.has('config.json')) || (await this.folder.has('model.onnx'))) {
      return loadPart(this.folder, this.folder.name);
    }
    throw new SecateurError('BAD_FILE', `${this.folder.name} has no denoiser: neither unet/ nor transformer/.`, {
      file: this.folder.name,
      field: 'unet',
      hint: 'A pipeline’s folder has model_index.json and a folder for each of its models.',
    });
  }

  /** None where the index names none: then the denoiser works on pictures. */
  async autoencoder(index: Json): Promise<Autoencoder | undefined> {
    if (await this.has('vae')) {
      const { model, config } = await this.part('vae');
      return autoencoder({ decoder: model, encoder: model, config }, this.runner);
    }
    if (!(await this.has('vae_decoder'))) {
      if (Array.isArray(index.vae) && index.vae[0] !== null) throw missingPart(subfolder(this.folder, 'vae'), 'vae');
      return undefined;
    }
    const { model, config } = await this.part('vae_decoder');
    const encoder = (await this.has('vae_encoder')) ? (await this.part('vae_encoder')).model : undefined;
    return autoencoder({ decoder: model, encoder, config }, this.runner);
  }

  async scheduler(index: Json): Promise<SchedulerConfig | undefined> {
    const { folder } = this;
    const config =
      (await jsonIfAny(folder, 'scheduler/scheduler_config.json')) ??
      (await jsonIfAny(folder, 'scheduler_config.json'));
    const isFirstKind = /^(?:Onnx)?StableDiffusion(?:Img2Img|Inpaint)?Pipeline$/.test(String(index._class_name));
    return config && isFirstKind ? corrected(config) : config;
  }

  /** The text encoders that a denoiser's inputs call for. */
  async textEncoders({ model }: LoadedPart, index: Json): Promise<TextEncoder[]> {
    const takes = (name: string): boolean => model.graph.inputs.some((input) => input.name === name);
    if (!takes('encoder_hidden_states')) return [];
    if (takes('img_ids')) {
      const clip = await this.textEncoder('text_encoder', 'tokenizer', ['pooled']);
      return [clip, await this.textEncoder('text_encoder_2', 'tokenizer_2', ['last'], { tokens: fluxTokens })];
    }
    if (takes('pooled_projections')) {
      const both: TextOutput[] = ['penultimate', 'projected'];
      const clip = await this.textEncoder('text_encoder', 'tokenizer', both);
      const clips = [clip, await this.textEncoder('text_encoder_2', 'tokenizer_2', both)];
      if (await this.isLeftOut('text_encoder_3', index)) return clips;
      return [...clips, await this.textEncoder('text_encoder_3', 'tokenizer_3', ['last'], { tokens: sd3Tokens })];
    }
    if (takes('hidden_states')) {
      const tokens = /Sigma/.test(String(index._class_name)) ? pixartTokens.sigma : pixartTokens.alpha;
      return [await this.textEncoder('text_encoder', 'tokenizer', ['last'], { tokens, masksPadding: true })];
    }
    if (!takes('text_embeds')) return [await this.textEncoder('text_encoder', 'tokenizer', ['last'])];
    const second = await this.textEncoder('text_encoder_2', 'tokenizer_2', ['penultimate', 'projected']);
    // SDXL's refiner has the second one alone.
    if (await this.isLeftOut('text_encoder', index)) return [second];
    return [await this.textEncoder('text_encoder', 'tokenizer', ['penultimate']), second];
  }

  /** Whether a part is not there, as the index says by `[null, null]`. */
  private async isLeftOut(name: string, { [name]: entry }: Json): Promise<boolean> {
    return Array.isArray(entry) && entry[0] === null && !(await this.has(name));
  }

  private async textEncoder(
    name: string,
    tokenizer: string,
    outputs: readonly TextOutput[],
    more: Pick<TextEncoderParts, 'tokens' | 'masksPadding'> = {},
  ): Promise<TextEncoder> {
    const { model, config } = await this.part(name);
    return textEncoder(
      {
        name,
        model,
        config,
        tokenizer: await loadTokenizer(subfolder(this.folder, tokenizer), { lib: this.options.lib }),
        outputs,
        ...more,
      },
      this.runner,
    );
  }
}

/**
 * Stable Diffusion's pipelines in diffusers put two things right in the configurations of old checkpoints: latents are never
 * clipped, and timesteps start at 1.
 */
function corrected(config: SchedulerConfig): SchedulerConfig {
  const { steps_offset: offset, clip_sample: clips } = config;
  return {
    ...config,
    ...(offset !== undefined && offset !== 1 && { steps_offset: 1 }),
    ...(clips === true && { clip_sample: false }),
  };
}

function checkLatents({ model }: LoadedPart, vae: Autoencoder | undefined): void {
  const sample = model.graph.inputs.find(({ name }) => name === 'sample' || name === 'hidden_states');
  const channels = sample?.shape[1];
  if (sample?.shape.length !== 4 || !vae?.latentChannels || typeof channels !== 'number') return;
  if (channels === vae.latentChannels) return;
  const message = `The denoiser’s latents have ${channels} channels; the autoencoder’s have ${vae.latentChannels}.`;
  throw new SecateurError('SHAPE_MISMATCH', message, {
    field: 'vae',
    hint: 'They belong to different models; or the denoiser is one for inpainting or upscaling, which are not covered.',
  });
}

function lastPart(path: string): string {
  return path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)!;
}
