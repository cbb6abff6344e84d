import { type Model, type OutputFolder, parametersOf, type SaveOptions } from '@secateur/core';
import { type Constant, castTensor, type DType, SecateurError, type Tensor } from '@secateur/graph';
import { type SafetensorsEntry, type TensorToWrite, writeSafetensors } from '@secateur/safetensors';
import { overridesFor } from '../format/overrides-for.js';
import { Writer } from '../format/writer.js';
import { modelClassOf } from '../model-classes.js';
import { isEmptyOverrides } from '../overrides.js';
import { componentNotesKey, type SingleFileSource } from './load.js';
import type { StoredPlace } from './stored-place.js';
import { transpose } from './stored-tensors.js';

/**
 * Writes a model back into the checkpoint that it came out of: same keys, same order of axes, the other models' tensors as
 * they were. A pruned one carries notes in the file's metadata, its configuration of before among them, as shapes alone
 * would be read as another model.
 *
 * @throws {SecateurError} BAD_OPTION when the model does not come from such a checkpoint; CANNOT_PRUNE when notes cannot say
 *   which layers are left
 */
export async function saveSingleFile(model: Model, out: OutputFolder, options: SaveOptions = {}): Promise<string[]> {
  const source = model.source as SingleFileSource | undefined;
  if (source?.kind !== 'single-file' || !model.config) {
    throw new SecateurError('BAD_OPTION', `${model.name} does not come from a checkpoint of one file.`, {
      hint: 'Write it as diffusers or ONNX.',
    });
  }
  const writer = new Writer(out, options);
  const { checkpoint } = source;
  const name = checkpoint.name.split(/[\\/]/).at(-1)!;
  const tensors = tensorsToWrite(model, source);
  const isUntouched =
    tensors.length === checkpoint.tensors.size &&
    tensors.every((tensor) => checkpoint.tensors.get(tensor.name) === tensor);
  if (isUntouched && options.dtype === undefined) {
    await writer.copy(name, checkpoint.sources[0]!);
    return writer.written;
  }
  const { dtype, signal, onProgress } = options;
  const { [componentNotesKey(source.component.name)]: _, ...rest } = checkpoint.metadata;
  const notes = notesOf(model);
  const metadata = notes === undefined ? rest : { ...rest, [componentNotesKey(source.component.name)]: notes };
  await writer.file(name, (sink) => writeSafetensors(sink, tensors, { metadata, dtype, signal, onProgress }));
  return writer.written;
}

/** None where the model still is what its configuration says. */
function notesOf(model: Model): string | undefined {
  const { config, graph } = model;
  const modelClass = modelClassOf(config);
  if (modelClass.expressibleConfig(config!, graph) === config) return undefined;
  const overrides = overridesFor(modelClass, model, modelClass.outline(config!));
  return JSON.stringify({ config, ...(isEmptyOverrides(overrides) ? {} : overrides) });
}

interface Placed extends StoredPlace {
  readonly constant: Constant;
  readonly isUntouched: boolean;
}

/** Every tensor of the file, those of the model made of its graph; what was removed is left out. */
function tensorsToWrite(model: Model, source: SingleFileSource): TensorToWrite[] {
  const own = new Map<string, Placed[]>();
  for (const [name, { constant }] of parametersOf(model.graph)) {
    const place = source.placeOf(name);
    const placed = { ...place, constant, isUntouched: source.constants.get(name) === constant };
    own.set(place.key, [...(own.get(place.key) ?? []), placed]);
  }
  const before = new Set(
    [...source.constants].flatMap(([name, { parameter }]) => (parameter ? [source.placeOf(name).key] : [])),
  );
  const tensors: TensorToWrite[] = [];
  for (const entry of source.checkpoint.tensors.values()) {
    const parts = own.get(entry.name);
    if (parts) tensors.push(parts.every(({ isUntouched }) => isUntouched) ? entry : tensorOf(entry, parts));
    else if (!before.has(entry.name)) tensors.push(entry);
  }
  return tensors;
}

/** A stored tensor out of the model's: of its rank, its parts in order, its axes the old way round. */
function tensorOf(entry: SafetensorsEntry, parts: readonly Placed[]): TensorToWrite {
  const { name, dtype } = entry;
  const ordered = [...parts].sort((a, b) => (a.part ?? 0) - (b.part ?? 0));
  const [first] = ordered as [Placed, ...Placed[]];
  const [rows, ...rest] = first.constant.shape;
  const shape =
    ordered.length > 1
      ? [ordered.reduce((sum, { constant }) => sum + constant.shape[0]!, 0), ...rest]
      : first.transposed
        ? [...first.constant.shape].reverse()
        : [rows!, ...rest, ...new Array<number>(entry.shape.length - first.constant.shape.length).fill(1)];
  const read = async (): Promise<Tensor> => {
    const values: Tensor[] = [];
    for (const { constant, transposed } of ordered) {
      const value = castTensor(await constant.read('stored'), dtype);
      values.push(transposed ? transpose(value) : value);
    }
    return { ...joined(values, dtype), shape };
  };
  return { name, dtype, shape, read };
}

function joined(values: readonly Tensor[], dtype: DType): Tensor {
  const [first] = values as [Tensor, ...Tensor[]];
  if (values.length === 1) return first;
  const length = values.reduce((sum, { data }) => sum + data.length, 0);
  // All of one dtype; the union of typed arrays has no common constructor.
  const data = new (first.data.constructor as Float32ArrayConstructor)(length);
  let at = 0;
  for (const value of values) {
    data.set(value.data as Float32Array, at);
    at += value.data.length;
  }
  return { dtype, shape: [length], data };
}
