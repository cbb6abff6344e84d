import { type FormatSource, type Model, sha256, sha256Source } from '@secateur/core';
import type { Constant } from '@secateur/graph';
import { type Checkpoint, openSafetensors, readSafetensors, type SafetensorsEntry } from '@secateur/safetensors';
import { weightsNames } from '../load-script/load-script.js';
import type { ModelClass } from '../model-class.js';
import { modelClassOf } from '../model-classes.js';
import type { WeightSource } from '../weight-source.js';
import { type Location, locate, readAll, readJson } from './locate.js';
import { notesOf } from './notes.js';

/** What {@link Model.source} holds of a model read here: all that saving needs. */
export interface DiffusersSource {
  readonly kind: 'diffusers';
  readonly location: Location;
  /** As read: a model that has the same object still has that configuration. */
  readonly config: Model['config'];
  readonly checkpoint: Checkpoint;
  /** The checkpoint's tensors by the names that the model has for them. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** The constants as built from the checkpoint: one that is still the same object is untouched. */
  readonly constants: ReadonlyMap<string, Constant>;
}

/**
 * Reads configuration and headers and builds the graph; weights stay where they are.
 *
 * A checkpoint must have the widths of its configuration, unless it carries Secateur's notes, which say that it was
 * pruned: then its own widths hold.
 *
 * @throws {SecateurError} BAD_CONFIG, BAD_FILE, IO
 */
export async function loadDiffusers(source: FormatSource): Promise<Model> {
  const location = await locate(source);
  const { folder, prefix, file } = location;
  const configPath = `${prefix}config.json`;
  const configBytes = await readAll(folder, configPath);
  const config = await readJson(folder, configPath);
  const modelClass = modelClassOf(config, configPath);
  modelClass.tensors(config);
  const checkpoint = file
    ? await readSafetensors(file)
    : await openSafetensors(folder, `${prefix}${weightsNames[modelClass.library]}`);
  const notes = notesOf(checkpoint);
  const tensors = byModelName(checkpoint, modelClass);
  const graph = modelClass.build(config, weightsOf(checkpoint, tensors), notes, { strict: notes === undefined });
  const held: DiffusersSource = {
    kind: 'diffusers',
    location,
    config,
    checkpoint,
    tensors,
    constants: graph.constants,
  };
  return {
    name: lastPart(file?.name ?? folder.name),
    graph,
    format: 'diffusers',
    className: modelClass.name,
    config,
    scheduler: await schedulerOf(location),
    sizes: modelClass.sizes(config),
    parts: modelClass.parts,
    ties: (coupling, roundTo) => modelClass.ties(config, coupling, roundTo),
    source: held,
    async files() {
      const files = [{ name: configPath, sha256: await sha256(configBytes) }];
      for (const weights of checkpoint.sources) {
        files.push({ name: `${prefix}${lastPart(weights.name)}`, sha256: await sha256Source(weights) });
      }
      return files;
    },
  };
}

/** What a model was read from, if it was read here. */
export function diffusersSourceOf({ source }: Model): DiffusersSource | undefined {
  const held = source as DiffusersSource | undefined;
  return held?.kind === 'diffusers' ? held : undefined;
}

/** A tensor stored under its own name goes before one that is stored under another. */
function byModelName({ tensors }: Checkpoint, { canonicalName }: ModelClass): Map<string, SafetensorsEntry> {
  const found = new Map<string, SafetensorsEntry>();
  for (const [stored, entry] of tensors) {
    const name = canonicalName(stored);
    if (name === stored || !tensors.has(name)) found.set(name, entry);
  }
  return found;
}

/** The tensors of a checkpoint as constants, half precision included. */
function weightsOf(checkpoint: Checkpoint, tensors: ReadonlyMap<string, SafetensorsEntry>): WeightSource {
  return {
    name: checkpoint.name,
    has: (name) => tensors.has(name),
    get: (name) => tensors.get(name)!.constant(),
    names: () => tensors.keys(),
  };
}

async function schedulerOf({ folder }: Location): Promise<Model['scheduler']> {
  for (const path of ['scheduler/scheduler_config.json', 'scheduler_config.json']) {
    if (await folder.has(path)) return readJson(folder, path);
  }
  return undefined;
}

/** Files and folders are named as the user gave them, path and all; a model's name and its manifest say where it lies in itself. */
function lastPart(path: string): string {
  return path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)!;
}
