import type { Executable } from '@secateur/core';
import {
  allocate,
  castTensor,
  float32,
  SecateurError,
  sizeOf,
  type Tensor,
  throwIfAborted,
  toFloat32,
  type ValueInfo,
} from '@secateur/graph';

/** Tensors by input name, all with the same number of rows in front. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface RunRowsOptions {
  /** Rows at once, where the model leaves it open. */
  readonly batchSize: number;
  readonly outputs: readonly string[];
  /** Feeds that are no rows, for so many rows. */
  readonly others?: (rows: number) => Feeds;
  readonly signal?: AbortSignal;
}

/**
 * Runs a model on rows in batches; the last batch is filled up with zeros where the model's batch is fixed. Feeds are
 * converted to the types that the inputs have.
 *
 * @param rows  `[count, ...]` each
 * @returns the outputs as float32 `[count, ...]`
 */
export async function runRows(
  executable: Executable,
  inputs: readonly ValueInfo[],
  rows: Feeds,
  { batchSize, outputs, others, signal }: RunRowsOptions,
): Promise<Record<string, Tensor>> {
  const typeOf = new Map(inputs.map((input) => [input.name, input]));
  const count = Object.values(rows)[0].shape[0];
  const fixed = fixedBatch(inputs.filter(({ name }) => name in rows));
  const parts: Record<string, Tensor>[] = [];
  const step = fixed ?? batchSize;
  for (let from = 0; from < count; from += step) {
    throwIfAborted(signal);
    const used = Math.min(step, count - from);
    const batch = fixed ?? used;
    const given = { ...mapFeeds(rows, (tensor) => rowsOf(tensor, from, used, batch)), ...others?.(batch) };
    const feeds = Object.fromEntries(
      Object.entries(given).map(([name, tensor]) => [name, castTensor(tensor, typeOf.get(name)!.dtype)]),
    );
    const results = await executable.run(feeds, { outputs, signal });
    parts.push(mapFeeds(results, (tensor) => rowsOf(castTensor(tensor, 'float32'), 0, used, used)));
  }
  return Object.fromEntries(outputs.map((name) => [name, joinRows(parts.map((part) => part[name]))]));
}

/** A batch that the model insists on. */
function fixedBatch(inputs: readonly ValueInfo[]): number | undefined {
  const batch = inputs.map(({ shape }) => shape[0]).find((dim) => typeof dim === 'number');
  return typeof batch === 'number' ? batch : undefined;
}

export function mapFeeds(feeds: Feeds, change: (tensor: Tensor) => Tensor): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, change(tensor)]));
}

/** Rows `[from, from + used)`, filled up with zeros to `batch`. */
function rowsOf(tensor: Tensor, from: number, used: number, batch: number): Tensor {
  const { dtype, shape, data } = tensor;
  if (from === 0 && used === shape[0] && batch === used) return tensor;
  const size = sizeOf(shape.slice(1));
  const out = allocate(dtype, batch * size);
  // Both arrays are of the tensor's own type; TypeScript cannot see it through the union.
  (out as Float32Array).set((data as Float32Array).subarray(from * size, (from + used) * size));
  return { dtype, shape: [batch, ...shape.slice(1)], data: out };
}

/**
 * Rows one after the other.
 * @throws {SecateurError} SHAPE_MISMATCH when they are of different shapes
 */
export function joinRows(tensors: readonly Tensor[]): Tensor {
  const [first, ...rest] = tensors;
  if (rest.length === 0) return first;
  const { dtype, shape } = first;
  const odd = rest.find((tensor) => tensor.shape.slice(1).join() !== shape.slice(1).join());
  if (odd) throw new SecateurError('SHAPE_MISMATCH', `Rows of [${odd.shape}] do not follow rows of [${shape}].`);
  const count = tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0);
  const out = allocate(dtype, count * sizeOf(shape.slice(1)));
  let at = 0;
  for (const { data } of tensors) {
    (out as Float32Array).set(data as Float32Array, at);
    at += data.length;
  }
  return { dtype, shape: [count, ...shape.slice(1)], data: out };
}

/** Rows picked by index, as often as they are named. */
export function pickRows(tensor: Tensor, indices: readonly number[]): Tensor {
  const { dtype, shape, data } = tensor;
  const size = sizeOf(shape.slice(1));
  const out = allocate(dtype, indices.length * size);
  for (const [to, from] of indices.entries()) {
    (out as Float32Array).set((data as Float32Array).subarray(from * size, (from + 1) * size), to * size);
  }
  return { dtype, shape: [indices.length, ...shape.slice(1)], data: out };
}

/** The first `channels` of `[batch, channels, ...]`. */
export function firstChannels(tensor: Tensor, channels: number): Tensor {
  const [batch, all, ...rest] = tensor.shape;
  if (all === channels) return tensor;
  const data = toFloat32(tensor);
  const [from, to] = [data.length / batch, (data.length / batch / all) * channels];
  const out = new Float32Array(batch * to);
  for (let b = 0; b < batch; b++) out.set(data.subarray(b * from, b * from + to), b * to);
  return float32([batch, channels, ...rest], out);
}

/** Tensors `[rows, tokens, width]` one behind the other: `[rows, tokens + tokens, width]`. */
export function joinTokens(first: Tensor, second: Tensor): Tensor {
  const [rows, tokens, width] = first.shape;
  const flat = (tensor: Tensor): Tensor => ({ ...tensor, shape: [rows, tensor.shape[1] * width] });
  const { data, dtype } = joinWidths([flat(first), flat(second)]);
  return { dtype, shape: [rows, tokens + second.shape[1], width], data };
}

/** Tensors `[..., width]` of equal leading axes side by side. */
export function joinWidths(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 1) return tensors[0];
  const lead = tensors[0].shape.slice(0, -1);
  const widths = tensors.map(({ shape }) => shape.at(-1)!);
  const width = widths.reduce((sum, part) => sum + part, 0);
  const rows = sizeOf(lead);
  const out = new Float32Array(rows * width);
  let left = 0;
  for (const [i, tensor] of tensors.entries()) {
    const data = toFloat32(tensor);
    for (let row = 0; row < rows; row++) {
      out.set(data.subarray(row * widths[i], (row + 1) * widths[i]), row * width + left);
    }
    left += widths[i];
  }
  return float32([...lead, width], out);
}
