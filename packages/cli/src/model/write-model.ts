import { type Model, type OutputFolder, parametersOf, type SaveOptions } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { SafetensorsFile } from '@secateur/safetensors';
import { captureCheckpoints } from './captured-output.js';

/** Kinds of file that a model can be written as. */
export type Emit = 'diffusers' | 'onnx';

export const emitKinds: readonly Emit[] = ['diffusers', 'onnx'];

export interface WriteModelOptions extends SaveOptions {
  /** Default: the kind the model was read from. */
  readonly emit?: readonly Emit[];
  /** Default `model.onnx`. */
  readonly onnxName?: string;
}

/**
 * Writes a model into an output folder; the caller commits. With both kinds the ONNX file points into the checkpoint, so
 * that one copy of the weights serves both, unless `standalone`.
 *
 * @returns the files written
 * @throws {SecateurError} BAD_OPTION when the model cannot be written as that kind; what the formats throw
 */
export async function writeModel(model: Model, out: OutputFolder, options: WriteModelOptions = {}): Promise<string[]> {
  const emit = options.emit ?? [emitKinds.find((kind) => kind === model.format) ?? 'onnx'];
  const captured = captureCheckpoints(out);
  const written: string[] = [];
  if (emit.includes('diffusers')) {
    const { diffusersFormat } = await import('@secateur/diffusers');
    written.push(...(await diffusersFormat.save(model, captured, options)));
  }
  if (emit.includes('onnx')) {
    const shared = options.standalone ? undefined : checkpointOf(model, await captured.checkpoints());
    written.push(...(await writeOnnx(model, out, options, shared)));
  }
  return written;
}

async function writeOnnx(
  model: Model,
  out: OutputFolder,
  options: WriteModelOptions,
  shared: readonly [path: string, file: SafetensorsFile] | undefined,
): Promise<readonly string[]> {
  const { convertWeights, saveOnnx } = await import('@secateur/onnx');
  const { onnxName: name, signal, onProgress } = options;
  const dtype = options.dtype ?? (shared && halfOf(shared[1]));
  const graph = dtype ? convertWeights(model.graph, dtype) : model.graph;
  if (!shared) return saveOnnx(graph, out, { name, signal, onProgress });
  const [path, { tensors }] = shared;
  const parameters = parametersOf(graph);
  const locate = (name: string) => {
    const entry = tensors.get(name);
    // A weight whose dtype the checkpoint does not share has to go into the model.
    if (!entry || entry.dtype !== parameters.get(name)?.constant.dtype) return undefined;
    return { offset: entry.offset, length: entry.byteLength };
  };
  return saveOnnx(graph, out, { name, external: { file: path, locate }, signal, onProgress });
}

/** The half precision that all of a checkpoint is in: an ONNX file can only share its bytes in the same. */
function halfOf({ tensors }: SafetensorsFile): 'float16' | 'bfloat16' | undefined {
  const found = new Set([...tensors.values()].map(({ dtype }) => dtype));
  const [only] = found;
  return found.size === 1 && (only === 'float16' || only === 'bfloat16') ? only : undefined;
}

/** The checkpoint just written that holds the model's weights; none when they are in several files. */
function checkpointOf(
  model: Model,
  files: ReadonlyMap<string, SafetensorsFile>,
): readonly [string, SafetensorsFile] | undefined {
  const names = [...parametersOf(model.graph).keys()];
  return [...files].find(([, { tensors }]) => names.every((name) => tensors.has(name)));
}

const dtypes: Readonly<Record<string, NonNullable<SaveOptions['dtype']>>> = {
  fp32: 'float32',
  fp16: 'float16',
  bf16: 'bfloat16',
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
};

/** `fp16`, `float16` and so on. @throws {SecateurError} BAD_OPTION for anything else */
export function parseDtype(text: string): NonNullable<SaveOptions['dtype']> {
  const dtype = Object.hasOwn(dtypes, text) ? dtypes[text] : undefined;
  if (dtype) return dtype;
  throw new SecateurError('BAD_OPTION', `There is no dtype "${text}" to write weights in.`, {
    field: 'dtype',
    hint: 'Choose fp32, fp16 or bf16.',
  });
}
