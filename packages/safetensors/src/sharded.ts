import { type ByteSource, parseJson, type SourceFolder, safePath } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { Checkpoint, SafetensorsEntry, SafetensorsFile } from './checkpoint.js';
import { MAX_HEADER_BYTES, readSafetensors } from './read.js';

/**
 * Reads a checkpoint that is split over several files, by its index
 * `{ metadata: { total_size: 5135149760 }, weight_map: { 'conv_in.weight': 'model-00001-of-00002.safetensors', … } }`.
 *
 * @param index  path of the index in the folder; shards lie beside it
 * @throws {SecateurError} BAD_FILE when the index and the shards do not agree on every tensor or, where the index states it,
 *   on the bytes of all of them, or a shard's path leaves the folder; IO when a shard is missing; what `readSafetensors`
 *   throws
 */
export async function readShardedSafetensors(folder: SourceFolder, index: string): Promise<Checkpoint> {
  const name = `${folder.name}/${index}`;
  const { weightMap, totalSize } = await readIndex(folder, index, name);
  const beside = index.includes('/') ? index.slice(0, index.lastIndexOf('/') + 1) : '';
  const shards = new Map<string, SafetensorsFile>();
  const opened: ByteSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close?.();
  };
  try {
    for (const shard of [...new Set(weightMap.values())].sort()) {
      const source = await folder.open(beside + shard);
      opened.push(source);
      shards.set(shard, await readSafetensors(source));
    }
    const metadata = Object.assign({}, ...[...shards.values()].map((shard) => shard.metadata).reverse());
    const tensors = merge(shards, weightMap, name);
    checkTotal(tensors, totalSize, name);
    return { name, metadata, tensors, sources: opened, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Index {
  /** Tensor name → shard, every shard's path checked. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Bytes of all tensors. */
  readonly totalSize?: number;
}

async function readIndex(folder: SourceFolder, index: string, name: string): Promise<Index> {
  const source = await folder.open(index);
  let json: unknown;
  try {
    if (source.size > MAX_HEADER_BYTES) {
      throw bad(name, 'weight_map', `The index has ${source.size} bytes; expected at most ${MAX_HEADER_BYTES}.`);
    }
    json = parseJson(await source.read(0, source.size), { file: name });
  } finally {
    await source.close?.();
  }
  const map = recordOf(recordOf(json)?.weight_map);
  if (!map) throw bad(name, 'weight_map', 'The index has no `weight_map` object.');
  const weightMap = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !shard.endsWith('.safetensors')) {
      throw bad(
        name,
        tensor,
        `Tensor ${tensor} is in ${JSON.stringify(shard)}; expected the name of a .safetensors file.`,
      );
    }
    weightMap.set(tensor, safePath(shard, name));
  }
  if (weightMap.size === 0) throw bad(name, 'weight_map', 'The index lists no tensors.');
  const totalSize = recordOf(recordOf(json)?.metadata)?.total_size;
  // Some tools leave it out, some write a fraction.
  return { weightMap, totalSize: Number.isSafeInteger(totalSize) ? (totalSize as number) : undefined };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function checkTotal(tensors: ReadonlyMap<string, SafetensorsEntry>, stated: number | undefined, name: string): void {
  let total = 0;
  for (const { byteLength } of tensors.values()) total += byteLength;
  if (stated === undefined || stated === total) return;
  throw bad(name, 'metadata.total_size', `The index states ${stated} bytes of tensors; its shards hold ${total}.`);
}

function merge(
  shards: ReadonlyMap<string, SafetensorsFile>,
  weightMap: ReadonlyMap<string, string>,
  name: string,
): Map<string, SafetensorsEntry> {
  const tensors = new Map<string, SafetensorsEntry>();
  for (const [shard, { tensors: entries }] of shards) {
    for (const [tensor, entry] of entries) {
      const stated = weightMap.get(tensor);
      if (stated !== shard) {
        throw bad(
          name,
          tensor,
          `Tensor ${tensor} is in ${shard}; the index ${stated === undefined ? 'does not list it' : `says ${stated}`}.`,
        );
      }
      tensors.set(tensor, entry);
    }
  }
  for (const [tensor, shard] of weightMap) {
    if (!tensors.has(tensor))
      throw bad(name, tensor, `Tensor ${tensor} is not in ${shard}, where the index says it is.`);
  }
  return tensors;
}

function bad(file: string, field: string, message: string): SecateurError {
  return new SecateurError('BAD_FILE', `${file}: ${message}`, {
    file,
    field,
    hint: 'The index and its shards do not belong together. Download all of them again.',
  });
}
