import type { Model } from '@secateur/core';
import { type Dim, float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import type { TorchGenerator } from '@secateur/samplers';
import { type ModelRunner, modelRunner, type RunnerOptions } from './model-runner.js';
import { runRows } from './rows.js';

/** Between pictures `[count, channels, height, width]` in about [-1, 1] and latents as the denoiser knows them. */
export interface Autoencoder {
  /** Unknown where an ONNX file does not say. */
  readonly latentChannels?: number;
  /** Pixels along a side of one latent. */
  readonly factor: number;
  decode(latents: Tensor, options: AutoencoderOptions): Promise<Tensor>;
  /** @throws {SecateurError} BAD_OPTION when there is no encoder, or the picture has other channels */
  encode(pictures: Tensor, generator: TorchGenerator, options: AutoencoderOptions): Promise<Tensor>;
  dispose(): Promise<void>;
}

export interface AutoencoderOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

export interface AutoencoderModels {
  readonly decoder: Model;
  /** The same model, or one of its own; ONNX folders may lack it. */
  readonly encoder?: Model;
  /** The autoencoder's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * An `AutoencoderKL`: one model with both halves, or ONNX files of each.
 *
 * @throws {SecateurError} BAD_CONFIG when the model is no autoencoder
 */
export function autoencoder({ decoder, encoder, config }: AutoencoderModels, options: RunnerOptions): Autoencoder {
  const scaling = latentScaling(config);
  const latent = named(decoder, decoder.graph.inputs, ['latent', 'latent_sample'], 'input');
  const picture = named(decoder, decoder.graph.outputs, ['out', 'sample'], 'output');
  const decoding = modelRunner(decoder, [picture.name], options);
  const encoding = encoder && encoderOf(encoder, options);
  const [, latentChannels] = latent.shape;
  return {
    ...(typeof latentChannels === 'number' && { latentChannels }),
    factor: factorOf(config),
    async decode(latents, { batchSize, signal }) {
      const rows = { [latent.name]: scaling.undo(latents) };
      const results = await decoding.use((executable) =>
        runRows(executable, decoding.inputs, rows, { batchSize, outputs: [picture.name], signal }),
      );
      return results[picture.name];
    },
    async encode(pictures, generator, { batchSize, signal }) {
      if (!encoding) {
        throw new SecateurError('BAD_OPTION', `${decoder.name} comes without an encoder, so it takes no picture.`, {
          field: 'image',
          hint: 'Put vae_encoder/model.onnx into the folder.',
        });
      }
      const { runner, input, output, channels } = encoding;
      if (typeof channels === 'number' && pictures.shape[1] !== channels) {
        const message = `The picture has ${pictures.shape[1]} channels; the model’s have ${channels}.`;
        throw new SecateurError('BAD_OPTION', message, { field: 'image' });
      }
      const results = await runner.use((executable) =>
        runRows(executable, runner.inputs, { [input]: pictures }, { batchSize, outputs: [output], signal }),
      );
      // Old exports have drawn already.
      const isDrawn = output === 'latent_sample';
      return scaling.apply(isDrawn ? results[output] : drawn(results[output], generator));
    },
    async dispose() {
      await decoding.dispose();
      await encoding?.runner.dispose();
    },
  };
}

interface Encoder {
  readonly runner: ModelRunner;
  readonly input: string;
  readonly output: string;
  readonly channels: Dim;
}

function encoderOf(model: Model, options: RunnerOptions): Encoder {
  const input = named(model, model.graph.inputs, ['sample'], 'input');
  const output = named(model, model.graph.outputs, ['moments', 'latent_parameters', 'latent_sample'], 'output');
  const runner = modelRunner(model, [output.name], options);
  return { runner, input: input.name, output: output.name, channels: input.shape[1] };
}

/** A draw from the encoder's means and log-variances, `[count, 2 * channels, height, width]`. */
function drawn(moments: Tensor, generator: TorchGenerator): Tensor {
  const [count, both, height, width] = moments.shape;
  const channels = both / 2;
  const data = toFloat32(moments);
  const shape = [count, channels, height, width];
  const noise = toFloat32(generator.randn(shape));
  const size = channels * height * width;
  const out = new Float32Array(count * size);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < size; i++) {
      const logVariance = Math.min(Math.max(data[2 * n * size + size + i], -30), 20);
      out[n * size + i] = data[2 * n * size + i] + Math.exp(0.5 * logVariance) * noise[n * size + i];
    }
  }
  return float32(shape, out);
}

interface LatentScaling {
  apply(latents: Tensor): Tensor;
  undo(latents: Tensor): Tensor;
}

/** `(z - shift) * scale`; with statistics of each channel they are taken out as well. */
function latentScaling(config: Readonly<Record<string, unknown>>): LatentScaling {
  const scale = numberOr(config.scaling_factor, 0.18215);
  const shift = numberOr(config.shift_factor, 0);
  const [means, deviations] = [config.latents_mean, config.latents_std];
  const each = (latents: Tensor, change: (value: number, mean: number, deviation: number) => number): Tensor => {
    const [, channels, height, width] = latents.shape;
    const plane = height * width;
    const out = toFloat32(latents).map((value, i) => {
      const channel = Math.floor(i / plane) % channels;
      const isKnown = Array.isArray(means) && Array.isArray(deviations);
      return isKnown ? change(value, Number(means[channel]), Number(deviations[channel])) : change(value, shift, 1);
    });
    return float32(latents.shape, out);
  };
  return {
    apply: (latents) => each(latents, (value, mean, deviation) => ((value - mean) * scale) / deviation),
    undo: (latents) => each(latents, (value, mean, deviation) => (value * deviation) / scale + mean),
  };
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value !== 0 ? value : fallback;
}

function factorOf({ block_out_channels: widths }: Readonly<Record<string, unknown>>): number {
  return Array.isArray(widths) && widths.length > 0 ? 2 ** (widths.length - 1) : 8;
}

function named<T extends { readonly name: string }>(
  model: Model,
  values: readonly T[],
  names: readonly string[],
  what: string,
): T {
  const found = names.map((name) => values.find((value) => value.name === name)).find((value) => value !== undefined);
  if (found) return found;
  throw new SecateurError('BAD_CONFIG', `${model.name} is no autoencoder: it has no ${what} ${names.join(' or ')}.`, {
    file: model.name,
    field: names[0],
    hint: `It has ${values.map(({ name }) => name).join(', ')}.`,
  });
}
