import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Logger, type Model, sha256Source } from '@secateur/core';
import { nodeFile, nodeFolder } from '@secateur/core/node';
import { castTensor, dimEquals, int64, SecateurError, type Tensor } from '@secateur/graph';
import { readSafetensors, type SafetensorsFile } from '@secateur/safetensors';
import { type SampleSet, sampleSet } from '@secateur/train';
import { readPictures } from '../model/load-images.js';
import { labelInput, loadLabels, takesLabels } from '../model/load-labels.js';
import { modelPath, zooPrefix } from '../model/load-model.js';
import { type DenoiserInputs, denoiserInputsOf, pictureInputsOf } from '../model/sampler-of.js';

export interface LoadTrainingDataOptions {
  /** How many samples, the first ones. Default: all. */
  readonly samples?: number;
  /** Leave out pictures that are damaged or of another size, with a warning. Default false: they are errors. */
  readonly skipBad?: boolean;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

export interface LoadedTrainingData {
  readonly data: SampleSet;
  /** Inputs without a condition, one row each, where the data has them. */
  readonly unconditional?: Readonly<Record<string, Tensor>>;
  /** Whether the data says which elements count. */
  readonly isMasked: boolean;
}

/**
 * Clean samples for training. Pictures (a folder of them, an IDX file, `zoo:fashion-mnist`) for models that take nothing
 * else, or class labels that lie beside an IDX file; for all others a `.safetensors` file with a tensor per input but the timestep, under the input's name, a row per
 * sample where the input has a batch axis, and optionally
 *
 * - `mask`: which elements count in masked losses, broadcast to the samples
 * - `unconditional.<input>`: one row that means "no condition", for guided distillation and dropped conditions; for the classes
 *   of a `DiTTransformer2DModel` it is known
 *
 * @throws {SecateurError} BAD_DATA, BAD_FILE, SHAPE_MISMATCH, IO
 */
export async function loadTrainingData(
  model: Model,
  path: string,
  options: LoadTrainingDataOptions,
): Promise<LoadedTrainingData> {
  const place = await modelPath(path);
  const found = await stat(place).catch(() => undefined);
  if (!found) {
    throw new SecateurError('IO', `${path} does not exist.`, {
      file: path,
      hint: 'Give a folder of pictures (PNG, JPEG, WebP), an IDX file (maybe gzipped), zoo:fashion-mnist, or a .safetensors with a tensor per input.',
    });
  }
  if (!found.isDirectory() && /\.safetensors$/i.test(path)) return loadTensors(model, place, options);
  const { channels, height, width } = pictureInputsOf(model, [labelInput]);
  const { samples: limit, skipBad = false, logger, signal } = options;
  const source = found.isDirectory() ? await nodeFolder(place) : await nodeFile(place);
  const onBad = skipBad ? (error: SecateurError) => logger.warn(`left out: ${error.message}`) : undefined;
  const { images, names } = await readPictures(source, { channels, height, width, limit, onBad, signal });
  const conditions = takesLabels(model) ? await loadLabels(path, names) : undefined;
  const none = noClassOf(model);
  return {
    data: sampleSet({ samples: images, conditions, source: path.startsWith(zooPrefix) ? path : basename(place) }),
    unconditional: Object.keys(none).length > 0 ? none : undefined,
    isMasked: false,
  };
}

async function loadTensors(
  model: Model,
  path: string,
  { samples: limit }: LoadTrainingDataOptions,
): Promise<LoadedTrainingData> {
  const source = await nodeFile(path);
  try {
    const file = await readSafetensors(source);
    const inputs = denoiserInputsOf(model);
    if (!inputs) {
      throw new SecateurError('BAD_OPTION', `${model.name} has no noisy sample and timestep: it is no denoiser.`, {
        field: 'model',
      });
    }
    return await tensorsFor(model, inputs, file, `${basename(path)} ${await sha256Source(source)}`, limit);
  } finally {
    await source.close?.();
  }
}

async function tensorsFor(
  model: Model,
  { sample, conditions }: DenoiserInputs,
  file: SafetensorsFile,
  source: string,
  limit: number | undefined,
): Promise<LoadedTrainingData> {
  const samples = first(castTensor(await read(file, sample.name), 'float32'), limit);
  const perSample: Record<string, Tensor> = {};
  const shared: Record<string, Tensor> = {};
  const unconditional: Record<string, Tensor> = {};
  for (const input of conditions) {
    const tensor = castTensor(await read(file, input.name), input.dtype);
    const [a, b] = [input.shape[0], sample.shape[0]];
    const hasRows = a !== undefined && b !== undefined && dimEquals(a, b);
    if (hasRows) perSample[input.name] = first(tensor, limit);
    else shared[input.name] = tensor;
    const free = `unconditional.${input.name}`;
    if (file.tensors.has(free)) unconditional[input.name] = castTensor(await read(file, free), input.dtype);
  }
  const known = { ...noClassOf(model), ...unconditional };
  const mask = file.tensors.has('mask') ? first(castTensor(await read(file, 'mask'), 'float32'), limit) : undefined;
  return {
    data: sampleSet({ samples, conditions: perSample, shared, mask, source }),
    unconditional: Object.keys(known).length > 0 ? known : undefined,
    isMasked: mask !== undefined,
  };
}

/** The class that means none: a DiT has it behind the others. */
function noClassOf({ className, config }: Model): Record<string, Tensor> {
  const classes = className === 'DiTTransformer2DModel' ? config?.num_embeds_ada_norm : undefined;
  return typeof classes === 'number' ? { class_labels: int64([classes]) } : {};
}

async function read(file: SafetensorsFile, name: string): Promise<Tensor> {
  const entry = file.tensors.get(name);
  if (entry) return entry.read();
  throw new SecateurError('BAD_FILE', `${file.name} has no tensor "${name}".`, {
    file: file.name,
    field: name,
    hint: `It holds ${[...file.tensors.keys()].slice(0, 8).join(', ')}. A tensor per input is needed, under its name.`,
  });
}

function first(tensor: Tensor, limit: number | undefined): Tensor {
  const [count = 0, ...rest] = tensor.shape;
  if (limit === undefined || limit >= count) return tensor;
  const size = tensor.data.length / count;
  return { ...tensor, shape: [limit, ...rest], data: tensor.data.subarray(0, limit * size) as Tensor['data'] };
}
