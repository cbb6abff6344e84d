import type { Executable, Model } from '@secateur/core';
import {
  castTensor,
  dimEquals,
  dimText,
  evaluateDim,
  SecateurError,
  type Tensor,
  toFloat32,
  type ValueInfo,
} from '@secateur/graph';
import { timestepTensor } from '@secateur/samplers';
import { type Feeds, runRows } from './rows.js';

/** What a denoiser takes. */
export interface DenoiserInputs {
  /** The noisy picture or latent. */
  readonly sample: ValueInfo;
  readonly timestep: ValueInfo;
  /** Everything else: prompts, labels, … */
  readonly conditions: readonly ValueInfo[];
  /** Shape of one sample at the model's own size: `[channels, height, width]`; empty where samples are no pictures. */
  readonly shape: readonly number[];
}

/**
 * @throws {SecateurError} BAD_OPTION when the model lacks a sample or a timestep; SHAPE_MISMATCH when a size of the sample is
 *   not known
 */
export function denoiserInputs(model: Model): DenoiserInputs {
  const { inputs } = model.graph;
  const sample = inputs.find(({ name }) => name === 'hidden_states') ?? inputNamed(model, 'sample');
  const timestep = inputNamed(model, 'timestep');
  return {
    sample,
    timestep,
    conditions: inputs.filter((input) => input !== sample && input !== timestep),
    // Patches in a row have no size of their own.
    shape: sample.shape.length === 4 ? sample.shape.slice(1).map((dim) => evaluateDim(dim, model.sizes)) : [],
  };
}

/** @throws {SecateurError} BAD_OPTION naming the first condition that is not in `known` */
export function refuseOtherConditions(model: Model, { conditions }: DenoiserInputs, known: readonly string[]): void {
  const foreign = conditions.filter(({ name }) => !known.includes(name)).map(({ name }) => name);
  if (foreign.length === 0) return;
  const given = ['sample', 'timestep', ...known].join(', ');
  throw new SecateurError(
    'BAD_OPTION',
    `${model.name} needs ${foreign.join(', ')}, which this pipeline does not give.`,
    {
      field: foreign[0],
      hint: `Its inputs may be ${given}. Text to image needs the whole pipeline’s folder, with tokeniser and text encoder.`,
    },
  );
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
  /** By input name, a row for each sample. */
  readonly conditions?: Feeds;
  /** By input name, for all samples. */
  readonly shared?: Feeds;
  readonly signal?: AbortSignal;
}

/**
 * The model's answer for all samples, run in batches.
 *
 * @param sample  [count, channels, height, width], float32
 * @throws {SecateurError} BAD_DATA when the answer is not finite; ABORTED
 */
export async function denoise(
  { inputs, executable, output }: Denoiser,
  sample: Tensor,
  timestep: number,
  { batchSize, conditions, shared, signal }: DenoiseOptions,
): Promise<Tensor> {
  const all = [inputs.sample, inputs.timestep, ...inputs.conditions];
  const rows = { [inputs.sample.name]: sample, ...conditions };
  const others = (count: number) => ({ ...shared, [inputs.timestep.name]: timestepFeed(inputs, timestep, count) });
  const results = await runRows(executable, all, rows, { batchSize, outputs: [output], others, signal });
  const answer = results[output];
  if (toFloat32(answer).every(Number.isFinite)) return answer;
  throw new SecateurError('BAD_DATA', `The model's answer at timestep ${timestep} is not finite.`, {
    field: 'timestep',
    hint: 'Look for NaN or infinite weights.',
  });
}

/** A scalar, one for all, or one for each row, as the input's shape has it. */
function timestepFeed({ sample, timestep: input }: DenoiserInputs, timestep: number, rows: number): Tensor {
  const [dim] = input.shape;
  const isRows = dim !== undefined && typeof dim !== 'number' && dimEquals(dim, sample.shape[0]);
  const length = isRows ? rows : typeof dim === 'number' ? dim : 1;
  // Half-precision models take the timestep as a float, too.
  const isHalf = input.dtype === 'float16' || input.dtype === 'bfloat16';
  const feed = timestepTensor(new Array<number>(length).fill(timestep), isHalf ? 'float32' : input.dtype);
  return castTensor(input.shape.length === 0 ? { ...feed, shape: [] } : feed, input.dtype);
}
