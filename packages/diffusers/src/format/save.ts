import { type Model, type OutputFolder, parametersOf, type SaveOptions } from '@secateur/core';
import { castTensor, type Graph, SecateurError, type Tensor } from '@secateur/graph';
import { type TensorToWrite, writeSafetensors } from '@secateur/safetensors';
import { loadScript } from '../load-script.js';
import { modelClassOf } from '../model-classes.js';
import { overridesOf } from '../structure.js';
import type { DiffusersSource } from './load.js';
import { componentsOf, type Location, weightsName } from './locate.js';
import { notesKey, notesText } from './notes.js';
import { Writer } from './writer.js';

/**
 * Writes a model as diffusers has it, in the layout it came in. Weights that nothing touched are copied byte by byte;
 * others are written in their old dtype unless another is asked for.
 *
 * When no configuration of the class can say what is left of a pruned model, the old configuration stays, the weights
 * carry notes, and a `load_secateur.py` rebuilds the model.
 *
 * @returns the files written
 * @throws {SecateurError} BAD_OPTION when the model has no configuration of a class; what reading and writing throw
 */
export async function saveDiffusers(model: Model, out: OutputFolder, options: SaveOptions = {}): Promise<string[]> {
  const writer = new Writer(out, options);
  const { config, graph } = model;
  if (!config) {
    throw new SecateurError('BAD_OPTION', `${model.name} has no configuration, so it cannot be saved for diffusers.`, {
      hint: 'Save it as ONNX.',
    });
  }
  const modelClass = modelClassOf(config, model.name);
  const source = model.source as DiffusersSource | undefined;
  const prefix = source?.location.prefix ?? '';
  const expressible = modelClass.expressibleConfig(config, graph);
  const notes = expressible ? undefined : notesText(overridesOf(graph, modelClass.outline(config)));

  if (source && options.dtype === undefined && isUntouched(graph, source, notes)) {
    await copyWeights(writer, source);
  } else {
    await writeWeights(writer, `${prefix}${weightsName}.safetensors`, model, notes, options);
  }
  const configIsOld = expressible === undefined || expressible === config;
  if (source && configIsOld) await writer.copyFrom(source.location.folder, `${prefix}config.json`);
  else await writer.json(`${prefix}config.json`, expressible ?? config);
  if (!expressible) await writer.text('load_secateur.py', loadScript(prefix));
  if (source) await copyOthers(writer, source.location);
  else if (model.scheduler) await writer.json('scheduler_config.json', model.scheduler);
  return writer.written;
}

/** Whether every tensor is the one that was loaded. */
function isUntouched(graph: Graph, { constants, checkpoint }: DiffusersSource, notes: string | undefined): boolean {
  if (notes !== checkpoint.metadata[notesKey]) return false;
  const now = parametersOf(graph);
  const before = [...constants].filter(([, constant]) => constant.parameter);
  return now.size === before.length && before.every(([name, constant]) => graph.constants.get(name) === constant);
}

async function copyWeights(writer: Writer, { checkpoint, location }: DiffusersSource): Promise<void> {
  const { prefix, file, folder } = location;
  for (const weights of checkpoint.sources) {
    const name = file ? `${weightsName}.safetensors` : weights.name.slice(weights.name.lastIndexOf('/') + 1);
    await writer.copy(`${prefix}${name}`, weights);
  }
  if (checkpoint.sources.length === 1) return;
  for (const path of await folder.list()) {
    if (path.startsWith(`${prefix}${weightsName}.`) && path.endsWith('.json')) await writer.copyFrom(folder, path);
  }
}

async function writeWeights(
  writer: Writer,
  path: string,
  model: Model,
  notes: string | undefined,
  options: SaveOptions,
): Promise<void> {
  const source = model.source as DiffusersSource | undefined;
  const metadata: Record<string, string> = { format: 'pt', ...source?.checkpoint.metadata };
  if (notes === undefined) delete metadata[notesKey];
  else metadata[notesKey] = notes;
  const { dtype, signal, onProgress } = options;
  await writer.file(path, (sink) =>
    writeSafetensors(sink, tensorsOf(model.graph, source), { metadata, dtype, signal, onProgress }),
  );
}

/** The graph's tensors in the dtypes they were read in, and those of the checkpoint that the model does not use. */
function tensorsOf(graph: Graph, source: DiffusersSource | undefined): TensorToWrite[] {
  const tensors: TensorToWrite[] = [];
  for (const [name, { constant }] of parametersOf(graph)) {
    const dtype = source?.checkpoint.tensors.get(name)?.dtype ?? constant.dtype;
    const read = async (): Promise<Tensor> => castTensor(await constant.read(), dtype);
    tensors.push({ name, dtype, shape: constant.shape, read });
  }
  for (const entry of source?.checkpoint.tensors.values() ?? []) {
    if (!source?.constants.has(entry.name)) tensors.push(entry);
  }
  return tensors;
}

/** What else belongs to a pipeline: its index and the folders of its other components. */
async function copyOthers(writer: Writer, { folder, prefix, index }: Location): Promise<void> {
  if (!index) {
    if (await folder.has('scheduler_config.json')) await writer.copyFrom(folder, 'scheduler_config.json');
    return;
  }
  const others = componentsOf(index)
    .map(([name]) => `${name}/`)
    .filter((path) => path !== prefix);
  for (const path of await folder.list()) {
    if (path === 'model_index.json' || others.some((other) => path.startsWith(other))) {
      await writer.copyFrom(folder, path);
    }
  }
}
