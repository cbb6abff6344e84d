import { type Calibration, type CalibrationBatch, type Json, sha256 } from '@secateur/core';
import { bytesOf, type DType, SecateurError, sliceTensor, type Tensor, toFloat32 } from '@secateur/graph';
import { type Conditions, type InputNames, noisedBatch } from './noised-batch.js';
import type { Sampler } from './sampler.js';
import { torchGenerator } from './torch-generator.js';

export interface CalibrationOptions {
  /** Clean samples `[samples, channels, height, width]`, float32, scaled as in training (pictures: -1..1). */
  readonly images: Tensor;
  readonly sampler: Sampler;
  /** A seed, from which one draw for all samples is made, or the noise itself, of the images' shape. */
  readonly noise: number | Tensor;
  readonly names?: InputNames;
  /** Of the model's timestep input. Default int64. */
  readonly timestepDType?: DType;
  /** What the model's timestep input is given for timestep `t`: `t` times this. Default 1; other than 1 for floats only. */
  readonly timestepScale?: number;
  /** The model's other inputs. */
  readonly conditions?: Conditions;
  /** Where the images come from, for the manifest, e.g. a folder's name. */
  readonly source?: string;
}

/**
 * Calibration data for scoring over timesteps: every sample keeps its one noise at all timesteps, as in Diff-Pruning
 * (Fang et al., 2305.10924), so that losses at two timesteps can be compared.
 *
 * @throws {SecateurError} SHAPE_MISMATCH when the noise is not of the images' shape, or a condition has not one row per
 *   image; BAD_DATA when there are no images or a value is not finite
 */
export function calibration(options: CalibrationOptions): Calibration {
  const { images, sampler, noise: given } = options;
  checkImages(images);
  checkConditions(options);
  const noise = typeof given === 'number' ? torchGenerator(given).randn(images.shape) : given;
  if (noise.shape.join() !== images.shape.join()) {
    throw new SecateurError('SHAPE_MISMATCH', `The noise is [${noise.shape}]; the images are [${images.shape}].`);
  }
  const samples = images.shape[0];
  return {
    timesteps: sampler.process.trainTimesteps,
    samples,
    targetChannels: images.shape[1],
    batches: ({ timesteps, batchSize = samples }) => {
      checkBatchSize(batchSize);
      return mixedBatches({ ...options, noise }, timesteps, batchSize);
    },
    describe: async (): Promise<Json> => ({
      source: options.source ?? null,
      samples,
      shape: [...images.shape],
      imagesSha256: await sha256(bytesOf(images)),
      noise: await describeNoise(given),
      scheduler: sampler.className,
      prediction: sampler.prediction,
      ...(options.conditions && { conditions: await describeConditions(options.conditions) }),
    }),
  };
}

async function describeNoise(noise: number | Tensor): Promise<Json> {
  return typeof noise === 'number' ? { seed: noise } : { sha256: await sha256(bytesOf(noise)) };
}

async function describeConditions({ perSample, shared }: Conditions): Promise<Json> {
  const hashes: Record<string, string> = {};
  for (const [name, tensor] of Object.entries({ ...shared, ...perSample }))
    hashes[name] = await sha256(bytesOf(tensor));
  return hashes;
}

/** All (timestep, sample) pairs, timestep by timestep, in runs of `batchSize`. */
async function* mixedBatches(
  options: CalibrationOptions & { readonly noise: Tensor },
  timesteps: readonly number[],
  batchSize: number,
): AsyncGenerator<CalibrationBatch> {
  const { images, noise, sampler, conditions = {} } = options;
  const samples = images.shape[0];
  const total = timesteps.length * samples;
  for (let start = 0; start < total; start += batchSize) {
    const pairs = Array.from({ length: Math.min(batchSize, total - start) }, (_, i) => start + i);
    const rows = pairs.map((pair) => pair % samples);
    yield noisedBatch(
      sampler,
      {
        x0: rowsOf(images, rows),
        noise: rowsOf(noise, rows),
        timesteps: pairs.map((pair) => timesteps[Math.floor(pair / samples)]),
      },
      { ...options, conditions: { ...conditions.shared, ...rowsOfEach(conditions.perSample, rows) } },
    );
  }
}

function rowsOfEach(tensors: Conditions['perSample'] = {}, rows: readonly number[]): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, rowsOf(tensor, rows)]));
}

/** Rows of the first axis, in the order given. */
function rowsOf(tensor: Tensor, rows: readonly number[]): Tensor {
  if (rows.length === tensor.shape[0] && rows.every((row, i) => row === i)) return tensor;
  return sliceTensor(tensor, new Map([[0, rows]]));
}

function checkImages(images: Tensor): void {
  if (images.shape.length < 2 || images.shape[0] < 1) {
    throw new SecateurError('BAD_DATA', `The images are [${images.shape}]; [samples, channels, …] is expected.`);
  }
  const bad = toFloat32(images).findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const sample = Math.floor(bad / (images.data.length / images.shape[0]));
  throw new SecateurError('BAD_DATA', `Image ${sample} holds ${images.data[bad]}.`, { field: `image ${sample}` });
}

function checkConditions({ images, conditions }: CalibrationOptions): void {
  for (const [name, { shape }] of Object.entries(conditions?.perSample ?? {})) {
    if (shape[0] === images.shape[0]) continue;
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `"${name}" is [${shape}]; one row for each of the ${images.shape[0]} samples is expected.`,
      { field: name },
    );
  }
}

function checkBatchSize(batchSize: number): void {
  if (Number.isInteger(batchSize) && batchSize >= 1) return;
  throw new SecateurError('BAD_OPTION', `batchSize is ${batchSize}; it must be a whole number of at least 1.`, {
    field: 'batchSize',
  });
}
