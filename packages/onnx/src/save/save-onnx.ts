import { type OutputFolder, readAhead, writeBehind } from '@secateur/core';
import { type Constant, type Graph, type OpSet, SecateurError, throwIfAborted } from '@secateur/graph';
import { byteLengthOf, readBytes } from '../constant-bytes.js';
import { prepareOnnx } from '../encode/encode-onnx.js';
import type { ExternalData } from '../encode/messages.js';
import { asInCheckpoint, hasCheckpointBytes } from './as-in-checkpoint.js';

/** A checkpoint written beside the model, whose bytes serve both. */
export interface CheckpointFile {
  /** Path relative to the model's folder, e.g. `diffusion_pytorch_model.safetensors`. */
  readonly file: string;
  /** Where a parameter's bytes lie in the file, of the same type as in the graph; `undefined` when it is not in it. */
  locate(parameterName: string): { readonly offset: number; readonly length: number } | undefined;
}

export interface SaveOnnxOptions {
  /** Path of the model in the output folder. Default `model.onnx`. */
  name?: string;
  /**
   * Where weights go: into the model, into `<name>.data` beside it, or nowhere because a checkpoint beside the model has
   * them. Default: into the model up to 1.5 GB, beside it above.
   */
  external?: 'inline' | 'data' | CheckpointFile;
  /** Operators known, to work out shapes with. Default: the graph package's. */
  ops?: OpSet;
  signal?: AbortSignal;
  /** Called with bytes written so far and in all. */
  onProgress?(done: number, total: number): void;
}

/** Weights above this go beside the model by default: readers stop at 2 GiB, and some well before. */
export const MAX_INLINE_WEIGHT_BYTES = 1_500_000_000;

/** Smaller constants stay in the model: shapes, axes and scalars that readers want while they load. */
const MIN_EXTERNAL_BYTES = 1024;

/** Offsets in the data file are multiples of this, so that readers can map them into memory. */
const ALIGNMENT = 4096;

/**
 * Writes a graph as an ONNX model into an output folder (the caller commits). Returns the files written.
 *
 * With a {@link CheckpointFile} the model points into it. Weights that the graph reads transposed get the checkpoint's
 * order and a `Transpose` node (see {@link asInCheckpoint}); what the checkpoint does not have goes into the model.
 *
 * @throws {SecateurError} SHAPE_MISMATCH when a located range has not the constant's length; ABORTED; IO
 */
export async function saveOnnx(graph: Graph, out: OutputFolder, options: SaveOnnxOptions = {}): Promise<string[]> {
  const { name = 'model.onnx', signal, ops } = options;
  const external = options.external ?? (weightBytes(graph) > MAX_INLINE_WEIGHT_BYTES ? 'data' : 'inline');
  if (external === 'inline') {
    const encoded = prepareOnnx(graph, { signal, ops });
    await writeFile(out, name, encoded.chunks(), progressOf(options, encoded.byteLength));
    return [name];
  }
  if (external !== 'data') {
    const shared = asInCheckpoint(graph, (parameter) => external.locate(parameter) !== undefined);
    const encoded = prepareOnnx(shared, { signal, ops, external: pointInto(external) });
    await writeFile(out, name, encoded.chunks(), progressOf(options, encoded.byteLength));
    return [name];
  }
  const dataName = `${name}.data`;
  const { ranges, total } = layOut(graph, dataName.slice(dataName.lastIndexOf('/') + 1));
  const encoded = prepareOnnx(graph, { signal, ops, external: (constantName) => ranges.get(constantName) });
  const progress = progressOf(options, total + encoded.byteLength);
  await writeFile(out, dataName, dataChunks(graph, ranges, signal), progress);
  await writeFile(out, name, encoded.chunks(), progress);
  return [name, dataName];
}

type Progress = (bytes: number) => void;

function progressOf({ onProgress }: SaveOnnxOptions, total: number): Progress {
  let done = 0;
  return (bytes) => onProgress?.((done += bytes), total);
}

async function writeFile(
  out: OutputFolder,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  progress: Progress,
): Promise<void> {
  const sink = await out.create(name);
  const behind = writeBehind(sink);
  try {
    try {
      for await (const chunk of chunks) {
        await behind.write(chunk);
        progress(chunk.byteLength);
      }
    } finally {
      await behind.flush();
    }
  } finally {
    await sink.close();
  }
}

function pointInto({ file, locate }: CheckpointFile) {
  return (name: string, constant: Constant): ExternalData | undefined => {
    const range = constant.parameter && hasCheckpointBytes(constant) ? locate(constant.parameter.name) : undefined;
    if (!range) return undefined;
    if (range.length === byteLengthOf(constant)) return { location: file, ...range };
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `${name} needs ${byteLengthOf(constant)} bytes; ${constant.parameter!.name} has ${range.length} in ${file}.`,
      { file, field: name, hint: 'Save the checkpoint with the same shapes and dtype as the ONNX model.' },
    );
  };
}

/** Places for all constants worth it, one behind the other. */
function layOut(graph: Graph, location: string): { ranges: Map<string, ExternalData>; total: number } {
  const ranges = new Map<string, ExternalData>();
  let total = 0;
  for (const [name, constant] of graph.constants) {
    const length = byteLengthOf(constant);
    if (length < MIN_EXTERNAL_BYTES) continue;
    const offset = Math.ceil(total / ALIGNMENT) * ALIGNMENT;
    ranges.set(name, { location, offset, length });
    total = offset + length;
  }
  return { ranges, total };
}

/** The data file: constants in the order of their places, zeros between. */
async function* dataChunks(
  graph: Graph,
  ranges: ReadonlyMap<string, ExternalData>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  let written = 0;
  const read = ([name]: readonly [string, ExternalData]) => readBytes(name, graph.constants.get(name)!);
  for await (const [[, { offset, length }], bytes] of readAhead(ranges, read)) {
    throwIfAborted(signal);
    if (offset > written) yield new Uint8Array(offset - written);
    yield bytes;
    written = offset + length;
  }
}

function weightBytes(graph: Graph): number {
  let total = 0;
  for (const constant of graph.constants.values()) total += byteLengthOf(constant);
  return total;
}
