import { type Json, sha256 } from '@secateur/core';
import { bytesOf, SecateurError, sliceTensor, type Tensor, toFloat32 } from '@secateur/graph';

/** Clean samples. */
export interface CleanBatch {
  /** `[batch, channels, ...]`, float32, scaled as in training (pictures: -1..1). */
  readonly samples: Tensor;
  /** The model's other inputs by name, a row per sample: class labels, text embeddings, … */
  readonly conditions?: Readonly<Record<string, Tensor>>;
  /** Which elements count in masked losses: float32, 0 or 1, broadcast to the target, e.g. `[batch, 1, height, width]`. */
  readonly mask?: Tensor;
}

/** Samples that can be read in any order. */
export interface SampleSet {
  readonly kind: 'set';
  /** How many there are. */
  readonly count: number;
  read(indices: readonly number[]): Promise<CleanBatch>;
  /** Where they come from, for checkpoints and reports. */
  describe(): Promise<Json>;
}

/** Samples that come as they come: each item is one batch. Begun anew when it ends and when a run is resumed. */
export interface SampleStream {
  readonly kind: 'stream';
  open(): AsyncIterable<CleanBatch> | Iterable<CleanBatch>;
  describe(): Promise<Json>;
}

export type TrainingData = SampleSet | SampleStream;

export interface SampleSetOptions extends CleanBatch {
  /** Inputs that are the same for all samples. */
  readonly shared?: Readonly<Record<string, Tensor>>;
  /** Where the samples come from, e.g. a folder's name. */
  readonly source?: string;
}

/**
 * A set of samples in memory.
 *
 * @throws {SecateurError} BAD_DATA when there are none or one is not finite; SHAPE_MISMATCH when a condition or the mask
 *   has not a row per sample
 */
export function sampleSet(options: SampleSetOptions): SampleSet {
  const { samples, conditions = {}, mask, shared = {}, source } = options;
  const count = samples.shape[0] ?? 0;
  if (samples.shape.length < 2 || count < 1) {
    throw new SecateurError('BAD_DATA', `The samples are [${samples.shape}]; [samples, channels, …] is expected.`);
  }
  checkFinite(samples, count);
  for (const [name, tensor] of Object.entries({ ...conditions, ...(mask && { mask }) })) {
    if (tensor.shape[0] === count) continue;
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `"${name}" is [${tensor.shape}]; one row for each of ${count} samples expected.`,
      {
        field: name,
      },
    );
  }
  return {
    kind: 'set',
    count,
    read: async (indices) => ({
      samples: rowsOf(samples, indices),
      conditions: { ...shared, ...mapValues(conditions, (tensor) => rowsOf(tensor, indices)) },
      ...(mask && { mask: rowsOf(mask, indices) }),
    }),
    describe: async () => ({
      source: source ?? null,
      samples: count,
      shape: [...samples.shape],
      sha256: await hashOf({ samples, ...conditions, ...shared, ...(mask && { mask }) }),
    }),
  };
}

function checkFinite(samples: Tensor, count: number): void {
  const values = toFloat32(samples);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const sample = Math.floor(bad / (values.length / count));
  throw new SecateurError('BAD_DATA', `Sample ${sample} holds ${values[bad]}.`, { field: `sample ${sample}` });
}

async function hashOf(tensors: Readonly<Record<string, Tensor>>): Promise<string> {
  const hashes: string[] = [];
  for (const [name, tensor] of Object.entries(tensors)) hashes.push(`${name} ${await sha256(bytesOf(tensor))}`);
  return hashes.length === 1 ? hashes[0].split(' ')[1] : sha256(new TextEncoder().encode(hashes.join('\n')));
}

/** Rows of the first axis, in the order given. */
function rowsOf(tensor: Tensor, rows: readonly number[]): Tensor {
  return sliceTensor(tensor, new Map([[0, rows]]));
}

export function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
