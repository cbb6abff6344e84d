import { type Model, type ModelPart, type OutputFolder, parametersOf, type SaveOptions } from '@secateur/core';
import { renameValues, SecateurError, subgraph } from '@secateur/graph';
import type { SafetensorsFile } from '@secateur/safetensors';
import { captureCheckpoints } from './captured-output.js';

/** Kinds of file that a model can be written as. */
export type Emit = 'diffusers' | 'onnx' | 'single-file';

export const emitKinds: readonly Emit[] = ['diffusers', 'onnx', 'single-file'];

export interface WriteModelOptions extends SaveOptions {
  /** Default: the kind the model was read from. */
  readonly emit?: readonly Emit[];
  /** Default `model.onnx`. */
  readonly onnxName?: string;
}

/**
 * Writes a model into an output folder; the caller commits. With both kinds the ONNX file points into the checkpoint, so
 * that one copy of the weights serves both, unless `standalone`. Of a model with parts (see `ModelPart`) every part becomes
 * a `model.onnx` of its own, with its own weights where it lies in a folder of its own; under an `onnxName` all go into one.
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
  if (emit.includes('single-file')) {
    const { singleFileFormat } = await import('@secateur/diffusers');
    written.push(...(await singleFileFormat.save(model, captured, options)));
  }
  if (emit.includes('onnx')) {
    const checkpoints = options.standalone ? undefined : await captured.checkpoints();
    const named = emit.includes('diffusers') ? await asSaved(model) : model;
    const parts = options.onnxName === undefined ? model.parts : undefined;
    if (!parts) written.push(...(await writeOnnx(named, out, options, checkpoints)));
    for (const part of parts ?? []) written.push(...(await writePart(named, part, out, options, checkpoints)));
  }
  return written;
}

type Checkpoints = ReadonlyMap<string, SafetensorsFile>;

/** Pipelines of stock tools want a configuration beside a part that has a folder. */
async function writePart(
  model: Model,
  { folder, outputs, names }: ModelPart,
  out: OutputFolder,
  options: WriteModelOptions,
  checkpoints: Checkpoints | undefined,
): Promise<string[]> {
  const graph = outputs ? subgraph(model.graph, outputs) : model.graph;
  const part = { ...model, graph: renameValues(graph, names) };
  if (folder === '') return [...(await writeOnnx(part, out, options, checkpoints))];
  const written = await writeOnnx(part, out, { ...options, onnxName: `${folder}/model.onnx` }, undefined);
  const path = `${folder}/config.json`;
  const sink = await out.create(path);
  try {
    await sink.write(new TextEncoder().encode(`${JSON.stringify(await configOf(model), null, 2)}\n`));
  } finally {
    await sink.close();
  }
  return [...written, path];
}

/** The configuration as it is saved: that of the cut, where one can say it. */
async function configOf({ config, graph }: Model): Promise<Model['config']> {
  const { modelClassOf } = await import('@secateur/diffusers');
  return config && (modelClassOf(config).expressibleConfig(config, graph) ?? config);
}

/** The model under the names that its checkpoint has: a new configuration may number layers in another way. */
async function asSaved(model: Model): Promise<Model> {
  if (!model.config) return model;
  const { asExpressed } = await import('@secateur/diffusers');
  return asExpressed(model);
}

async function writeOnnx(
  model: Model,
  out: OutputFolder,
  options: WriteModelOptions,
  checkpoints: Checkpoints | undefined,
): Promise<readonly string[]> {
  const shared = checkpoints && checkpointOf(model, checkpoints);
  const { convertWeights, saveOnnx } = await import('@secateur/onnx');
  const { onnxName: name, signal, onProgress } = options;
  const dtype = options.dtype ?? (shared && halfOf(shared[1], isComputed(model)));
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

/** The half precision that all of a checkpoint's weights are in: an ONNX file can only share its bytes in the same. */
function halfOf({ tensors }: SafetensorsFile, isTable: (name: string) => boolean): 'float16' | 'bfloat16' | undefined {
  const found = new Set([...tensors].flatMap(([name, { dtype }]) => (isTable(name) ? [] : [dtype])));
  const [only] = found;
  return found.size === 1 && (only === 'float16' || only === 'bfloat16') ? only : undefined;
}

/** Tells the tables that loaders compute, which are stored only once they were cut, and never in half precision. */
function isComputed({ graph }: Model): (name: string) => boolean {
  const parameters = parametersOf(graph);
  return (name) => parameters.get(name)?.constant.parameter?.computed ?? false;
}

/** The checkpoint just written that holds the model's weights; none when they are in several files. */
function checkpointOf(model: Model, files: Checkpoints): readonly [string, SafetensorsFile] | undefined {
  const isTable = isComputed(model);
  const names = [...parametersOf(model.graph).keys()].filter((name) => !isTable(name));
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
