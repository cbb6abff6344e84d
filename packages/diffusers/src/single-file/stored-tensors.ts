import { bytesPerElement, type Constant, SecateurError, sizeOf, type Tensor, tensorFromBytes } from '@secateur/graph';
import type { Checkpoint, SafetensorsEntry } from '@secateur/safetensors';
import type { TensorSpec } from '../tensor-spec.js';
import type { WeightSource } from '../weight-source.js';
import type { PlaceOf, StoredPlace } from './stored-place.js';

/**
 * An original checkpoint's tensors as a model's: renamed, taken out of what holds several, turned round.
 *
 * @param specs  what the model calls for
 */
export function storedWeights(checkpoint: Checkpoint, specs: readonly TensorSpec[], placeOf: PlaceOf): WeightSource {
  const { tensors } = checkpoint;
  const ranks = new Map(specs.map(({ name, shape }) => [name, shape.length]));
  const has = (name: string) => ranks.has(name) && tensors.has(placeOf(name).key);
  return {
    name: checkpoint.name,
    has,
    get: (name) => constantAt(checkpoint, placeOf(name), ranks.get(name)!),
    names: () => [...ranks.keys()].filter(has),
  };
}

function constantAt({ tensors }: Checkpoint, place: StoredPlace, rank: number): Constant {
  const entry = tensors.get(place.key)!;
  if (place.transposed && entry.shape.length === 2) return transposedConstant(entry);
  if (place.part !== undefined) return partOf(entry, place.part, valueRows(tensors, place.key));
  if (entry.shape.length === rank) return entry.constant();
  return reshaped(entry.constant(), withoutOnes(entry.shape, rank));
}

/** A convolution of one pixel is a linear layer: the same bytes. */
function withoutOnes(shape: readonly number[], rank: number): readonly number[] {
  return shape.slice(rank).every((size) => size === 1) ? shape.slice(0, rank) : shape;
}

function reshaped(constant: Constant, shape: readonly number[]): Constant {
  return { ...constant, shape, read: async () => ({ ...(await constant.read('stored')), shape }) };
}

function transposedConstant(entry: SafetensorsEntry): Constant {
  const [rows, columns] = entry.shape as [number, number];
  const { location: _, ...constant } = entry.constant();
  return { ...constant, shape: [columns, rows], read: async () => transpose(await entry.read()) };
}

/** Swaps the two axes. */
export function transpose({ dtype, shape, data }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  // A typed array of the same kind; the union of kinds has no common constructor.
  const turned = (data as Float32Array).slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = (data as Float32Array)[i * columns + j]!;
  }
  return { dtype, shape: [columns, rows], data: turned };
}

/** Rows of the values in a tensor of queries, keys and values: as many as the output projection reads. */
function valueRows(tensors: Checkpoint['tensors'], key: string): number | undefined {
  return tensors.get(key.replace(/\.in_proj_(?:weight|bias)$/, '.out_proj.weight'))?.shape[1];
}

/** Queries and keys have the same number of rows; the values' may be another once the model was pruned. */
function partOf(entry: SafetensorsEntry, part: 0 | 1 | 2, values: number | undefined): Constant {
  const [total = 0, ...rest] = entry.shape;
  const queries = (total - (values ?? total / 3)) / 2;
  if (!Number.isInteger(queries) || queries < 0) {
    throw new SecateurError(
      'BAD_FILE',
      `${entry.name} has ${total} rows, which are no queries, keys and ${values} values.`,
      { file: entry.source.name, field: entry.name, hint: 'The file is damaged. Download it again.' },
    );
  }
  const rows = part === 2 ? total - 2 * queries : queries;
  const rowBytes = sizeOf(rest) * bytesPerElement(entry.dtype);
  const [offset, byteLength] = [entry.offset + part * queries * rowBytes, rows * rowBytes];
  const shape = [rows, ...rest];
  const { location } = entry.constant();
  return {
    dtype: entry.dtype,
    shape,
    read: async () => tensorFromBytes(entry.dtype, shape, await entry.source.read(offset, byteLength)),
    ...(location ? { location: { ...location, offset, byteLength } } : {}),
  };
}
