import type { Executable, Model } from '@secateur/core';
import {
  castTensor,
  type DType,
  dimText,
  evaluateDim,
  float32,
  int64,
  SecateurError,
  type Tensor,
  throwIfAborted,
  toFloat32,
  type ValueInfo,
} from '@secateur/graph';
import { timestepTensor } from '@secateur/samplers';

/** What an unconditional denoiser takes and gives. */
export interface DenoiserInputs {
  /** Shape of one sample: `[channels, height, width]`. */
  readonly shape: readonly number[];
  readonly sampleDType: DType;
  /** The model's own batch, when it is fixed. */
  readonly fixedBatch?: number;
  readonly timestepDType: DType;
  readonly isTimestepScalar: boolean;
  readonly takesLabels: boolean;
}

const known = ['sample', 'timestep', 'class_labels'];

/**
 * @throws {SecateurError} BAD_OPTION when the model lacks `sample` or `timestep`, or needs an input that is not known;
 *   SHAPE_MISMATCH when a size of the sample is not known
 */
export function denoiserInputs(model: Model): DenoiserInputs {
  const { inputs } = model.graph;
  const foreign = inputs.filter(({ name }) => !known.includes(name)).map(({ name }) => name);
  if (foreign.length > 0) {
    throw new SecateurError(
      'BAD_OPTION',
      `${model.name} needs ${foreign.join(', ')}, which this pipeline does not give.`,
      {
        field: foreign[0],
        hint: `Its inputs may be ${known.join(', ')}.`,
      },
    );
  }
  const sample = inputNamed(model, 'sample');
  const timestep = inputNamed(model, 'timestep');
  const [batch, ...rest] = sample.shape;
  return {
    shape: rest.map((dim) => evaluateDim(dim, model.sizes)),
    sampleDType: sample.dtype,
    ...(typeof batch === 'number' && { fixedBatch: batch }),
    timestepDType: timestep.dtype,
    isTimestepScalar: timestep.shape.length === 0,
    takesLabels: inputs.some(({ name }) => name === 'class_labels'),
  };
}

function inputNamed(model: Model, name: string): ValueInfo {
  const input = model.graph.inputs.find((value) => value.name === name);
  if (input) return input;
  const present = model.graph.inputs.map((value) => `${value.name} [${value.shape.map(dimText)}]`);
  throw new SecateurError('BAD_OPTION', `${model.name} has no input ${name}.`, {
    field: name,
    hint: `Its inputs are ${present.join(', ')}.`,
  });
}

export interface Denoiser {
  readonly inputs: DenoiserInputs;
  readonly executable: Executable;
  /** Name of the output that holds the prediction. */
  readonly output: string;
}

export interface DenoiseOptions {
  readonly batchSize: number;
  /** `[count]`, where the model takes labels. */
  readonly classLabels?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * The model's answer for all samples, run in batches. The last batch is filled up with zeros where the model's batch is fixed.
 *
 * @param sample  [count, channels, height, width], float32
 * @throws {SecateurError} BAD_DATA when the answer is not finite; ABORTED
 */
export async function denoise(
  { inputs, executable, output }: Denoiser,
  sample: Tensor,
  timestep: number,
  options: DenoiseOptions,
): Promise<Tensor> {
  const count = sample.shape[0];
  const data = toFloat32(sample);
  const size = data.length / count;
  const step = inputs.fixedBatch ?? options.batchSize;
  const parts: Float32Array[] = [];
  let shape = sample.shape;
  for (let start = 0; start < count; start += step) {
    throwIfAborted(options.signal);
    const used = Math.min(step, count - start);
    const batch = inputs.fixedBatch ?? used;
    const rows = new Float32Array(batch * size);
    rows.set(data.subarray(start * size, (start + used) * size));
    const feeds: Record<string, Tensor> = {
      sample: castTensor(float32([batch, ...inputs.shape], rows), inputs.sampleDType),
      timestep: timestepFeed(inputs, timestep, batch),
    };
    if (options.classLabels) feeds.class_labels = labelsFeed(options.classLabels, start, used, batch);
    const results = await executable.run(feeds, { outputs: [output], signal: options.signal });
    const answer = toFloat32(results[output]);
    shape = [count, ...results[output].shape.slice(1)];
    parts.push(answer.subarray(0, (answer.length / batch) * used));
  }
  return joined(parts, shape, timestep);
}

function timestepFeed(inputs: DenoiserInputs, timestep: number, batch: number): Tensor {
  const length = inputs.isTimestepScalar ? 1 : batch;
  // Half-precision models take the timestep as a float, too.
  const isHalf = inputs.timestepDType === 'float16' || inputs.timestepDType === 'bfloat16';
  const feed = timestepTensor(new Array<number>(length).fill(timestep), isHalf ? 'float32' : inputs.timestepDType);
  return castTensor(inputs.isTimestepScalar ? { ...feed, shape: [] } : feed, inputs.timestepDType);
}

function labelsFeed(labels: readonly number[], start: number, used: number, batch: number): Tensor {
  return int64(Array.from({ length: batch }, (_, i) => (i < used ? labels[start + i] : 0)));
}

function joined(parts: readonly Float32Array[], shape: readonly number[], timestep: number): Tensor {
  const data = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  if (data.every(Number.isFinite)) return float32(shape, data);
  throw new SecateurError('BAD_DATA', `The model's answer at timestep ${timestep} is not finite.`, {
    field: 'timestep',
    hint: 'Look for NaN or infinite weights.',
  });
}
