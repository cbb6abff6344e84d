import { type Model, type OutputFolder, parametersOf, type SaveOptions } from '@secateur/core';
import { type Allocate, castTensor, type Graph, SecateurError, type Tensor } from '@secateur/graph';
import { type TensorToWrite, writeSafetensors } from '@secateur/safetensors';
import { loadScript, weightsNames } from '../load-script/load-script.js';
import { modelClassOf } from '../model-classes.js';
import { type Outline, shapesOf } from '../structure.js';
import { asExpressed } from './as-expressed.js';
import { configText } from './config-text.js';
import { type DiffusersSource, diffusersSourceOf } from './load.js';
import { componentsOf, type Location } from './locate.js';
import { notesKey, notesText } from './notes.js';
import { overridesFor } from './overrides-for.js';
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
  if (!model.config) {
    throw new SecateurError('BAD_OPTION', `${model.name} has no configuration, so it cannot be saved for diffusers.`, {
      hint: 'Save it as ONNX.',
    });
  }
  const modelClass = modelClassOf(model.config, model.name);
  const source = diffusersSourceOf(model);
  const prefix = source?.location.prefix ?? '';
  const weightsName = weightsNames[modelClass.library];
  const said = asExpressed(model);
  const { config, graph } = said;
  const outline = modelClass.outline(config);
  const isExpressible = said !== model || modelClass.expressibleConfig(config!, graph) === config;
  const notes = isExpressible ? undefined : notesText(overridesFor(modelClass, said, outline));

  if (source && options.dtype === undefined && isUntouched(graph, source, notes)) {
    await copyWeights(writer, source, weightsName);
  } else {
    const { dtype, signal, onProgress } = options;
    const write = { metadata: metadataOf(model, notes), dtype, signal, onProgress };
    await writer.file(`${prefix}${weightsName}.safetensors`, (sink) =>
      writeSafetensors(sink, tensorsOf(said, outline), write),
    );
  }
  if (source && config === source.config) await writer.copyFrom(source.location.folder, `${prefix}config.json`);
  else await writer.text(`${prefix}config.json`, configText(config!, modelClass.library));
  if (!isExpressible) await writer.text('load_secateur.py', loadScript(modelClass, prefix));
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

async function copyWeights(
  writer: Writer,
  { checkpoint, location }: DiffusersSource,
  weightsName: string,
): Promise<void> {
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

function metadataOf(model: Model, notes: string | undefined): Record<string, string> {
  const source = diffusersSourceOf(model);
  const metadata: Record<string, string> = { format: 'pt', ...source?.checkpoint.metadata };
  if (notes === undefined) delete metadata[notesKey];
  else metadata[notesKey] = notes;
  return metadata;
}

/** The graph's tensors in the dtypes they were read in, and those of the checkpoint that the model does not use. */
function tensorsOf(model: Model, outline: Outline): TensorToWrite[] {
  const source = diffusersSourceOf(model);
  const tensors: TensorToWrite[] = [];
  const usual = shapesOf(outline.graph);
  for (const [name, { constant }] of parametersOf(model.graph)) {
    // A computed buffer is stored only when it was cut.
    const computed = constant.parameter?.computed ?? false;
    if (computed && usual.get(name)?.join() === constant.shape.join()) continue;
    const dtype = constant.storedAs ?? constant.dtype;
    const read = async (_?: undefined, allocate?: Allocate): Promise<Tensor> =>
      castTensor(await constant.read('stored', allocate), dtype);
    // Frequencies are multiplied by positions: half precision would be too coarse for them.
    tensors.push({ name, dtype, shape: constant.shape, read, keepsDtype: computed });
  }
  const written = new Set(tensors.map(({ name }) => name));
  for (const [name, entry] of source?.tensors ?? []) {
    if (!source?.constants.has(name) && !written.has(name)) tensors.push({ ...entry, name });
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
