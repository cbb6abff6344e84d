import { basename } from 'node:path';
import { type Calibration, type Logger, type Model, sha256Source, silentLogger } from '@secateur/core';
import { nodeFile } from '@secateur/core/node';
import { castTensor, dimEquals, SecateurError, type Tensor, type ValueInfo } from '@secateur/graph';
import { readSafetensors, type SafetensorsFile } from '@secateur/safetensors';
import type { LoadImagesOptions } from './load-images.js';
import { type DenoiserInputs, denoiserInputsOf, samplerOf, timestepScaleOf } from './sampler-of.js';

/**
 * Calibration data of any model from a `.safetensors` file, in one of two forms:
 *
 * - clean samples and conditions: one tensor for every input but the timestep, under the input's name, a row per sample
 *   where the input has a batch axis: `sample` `[samples, channels, height, width]` scaled as in training,
 *   `encoder_hidden_states` `[samples, tokens, width]`, … They are made noisy as the model's scheduler says, always with
 *   the same noise.
 * - inputs and answers: `in.<input>` for every input and `target`, for models that are no denoisers, or data that is noisy
 *   already. It counts as one timestep.
 *
 * @throws {SecateurError} BAD_FILE when the file is damaged or lacks a tensor; SHAPE_MISMATCH, BAD_DATA; IO
 */
export async function loadSamples(model: Model, path: string, options: LoadImagesOptions = {}): Promise<Calibration> {
  const source = await nodeFile(path);
  try {
    const file = await readSafetensors(source);
    const name = basename(path);
    if (file.tensors.has('target')) return await answersFrom(model, file, name, await sha256Source(source), options);
    const inputs = denoiserInputsOf(model);
    if (inputs) return await samplesFrom(model, inputs, file, name, options);
    throw new SecateurError('BAD_FILE', `${path} has no tensor "target", and ${model.name} is no denoiser.`, {
      file: path,
      field: 'target',
      hint: 'Give in.<input> for every input of the model, and target: what its first output should be.',
    });
  } finally {
    await source.close?.();
  }
}

async function samplesFrom(
  model: Model,
  { sample, timestep, conditions }: DenoiserInputs,
  file: SafetensorsFile,
  name: string,
  { samples, seed = 0, logger = silentLogger }: LoadImagesOptions,
): Promise<Calibration> {
  const { calibration } = await import('@secateur/samplers');
  const images = firstRows(await tensorFor(file, name, sample), samples, name, logger);
  const perSample: Record<string, Tensor> = {};
  const shared: Record<string, Tensor> = {};
  for (const input of conditions) {
    const tensor = await tensorFor(file, name, input);
    if (sharesBatch(input, sample)) perSample[input.name] = firstRows(tensor, samples, name, silentLogger);
    else shared[input.name] = tensor;
  }
  return calibration({
    images,
    sampler: await samplerOf(model, logger),
    noise: seed,
    names: { sample: sample.name, timestep: timestep.name },
    timestepDType: timestep.dtype,
    timestepScale: timestepScaleOf(model),
    conditions: { perSample, shared },
    source: name,
  });
}

async function answersFrom(
  model: Model,
  file: SafetensorsFile,
  name: string,
  sha256: string,
  { samples: limit, logger = silentLogger }: LoadImagesOptions,
): Promise<Calibration> {
  const target = firstRows(await tensorNamed(file, name, 'target'), limit, name, logger);
  const samples = target.shape[0] ?? 1;
  const feeds: Record<string, Tensor> = {};
  const isBatched = (input: ValueInfo) => sharesBatch(input, model.graph.outputs[0]!);
  for (const input of model.graph.inputs) {
    const tensor = castTensor(await tensorNamed(file, name, `in.${input.name}`), input.dtype);
    feeds[input.name] = isBatched(input) ? firstRows(tensor, limit, name, silentLogger) : tensor;
  }
  const batchOf = (from: number, to: number) => ({
    feeds: Object.fromEntries(
      model.graph.inputs.map((input) => [
        input.name,
        isBatched(input) ? rows(feeds[input.name]!, from, to) : feeds[input.name]!,
      ]),
    ),
    target: rows(target, from, to),
    timesteps: new Array<number>(to - from).fill(0),
    weight: 1,
  });
  return {
    timesteps: 1,
    samples,
    targetChannels: target.shape[1],
    async *batches({ timesteps, batchSize = samples }) {
      for (const _ of timesteps) {
        for (let from = 0; from < samples; from += batchSize) yield batchOf(from, Math.min(samples, from + batchSize));
      }
    },
    describe: async () => ({ source: name, samples, sha256 }),
  };
}

/** Whether both have a row per sample: position ids and the like have none. */
function sharesBatch({ shape: [a] }: ValueInfo, { shape: [b] }: ValueInfo): boolean {
  return a !== undefined && b !== undefined && dimEquals(a, b);
}

async function tensorFor(file: SafetensorsFile, name: string, input: ValueInfo): Promise<Tensor> {
  return castTensor(await tensorNamed(file, name, input.name), input.dtype);
}

async function tensorNamed(file: SafetensorsFile, name: string, tensor: string): Promise<Tensor> {
  const entry = file.tensors.get(tensor);
  if (entry) return entry.read();
  throw new SecateurError('BAD_FILE', `${name} has no tensor "${tensor}".`, {
    file: name,
    field: tensor,
    hint: `It holds ${[...file.tensors.keys()].slice(0, 8).join(', ')}. A tensor per input is needed, under its name; \`secateur inspect MODEL\` lists the inputs.`,
  });
}

function firstRows(tensor: Tensor, limit: number | undefined, name: string, logger: Logger): Tensor {
  const count = tensor.shape[0] ?? 1;
  if (limit === undefined || limit >= count) {
    if (limit !== undefined && limit > count) logger.warn(`${name} holds ${count} samples; ${limit} were asked for.`);
    return tensor;
  }
  return rows(tensor, 0, limit);
}

function rows(tensor: Tensor, from: number, to: number): Tensor {
  const [count, ...rest] = tensor.shape;
  const size = tensor.data.length / (count ?? 1);
  return {
    ...tensor,
    shape: [to - from, ...rest],
    data: tensor.data.subarray(from * size, to * size) as Tensor['data'],
  };
}
