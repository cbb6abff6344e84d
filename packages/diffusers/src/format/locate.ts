import { type ByteSource, type FormatSource, type SourceFolder, safePath } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { weightsNames } from '../load-script/load-script.js';
import { modelClasses } from '../model-classes.js';
import { notOriginal } from '../single-file/not-original.js';
import { parsePythonJson } from './python-json.js';

export type Json = Readonly<Record<string, unknown>>;

/** Where a model lies in what was given. */
export interface Location {
  readonly folder: SourceFolder;
  /** `''`, or the model's folder in a pipeline with a slash behind: `unet/`. */
  readonly prefix: string;
  /** The one file that was named, instead of a folder. */
  readonly file?: ByteSource;
  /** `model_index.json`, in a pipeline. */
  readonly index?: Json;
}

/** Components of a pipeline that can be the model, the likeliest first. */
const denoisers = ['unet', 'transformer', 'prior'];

/** Whether names and places are those of a diffusers model. */
export async function looksLikeDiffusers({ folder, file }: FormatSource): Promise<boolean> {
  if (!folder) return false;
  if (file) return file.name.endsWith('.safetensors') && (await folder.has('config.json'));
  if (await folder.has('model_index.json')) return true;
  if (!(await folder.has('config.json'))) return false;
  const names = Object.values(weightsNames);
  return (await folder.list()).some(
    (path) => path.includes('.safetensors') && names.some((name) => path.startsWith(`${name}.`)),
  );
}

/** @throws {SecateurError} BAD_FILE when there is no model, or a pipeline has none of a known class */
export async function locate({ folder, file, component: wanted }: FormatSource): Promise<Location> {
  if (!folder) {
    throw new SecateurError('BAD_FILE', `${file?.name ?? 'The model'} has no folder, so no config.json.`, {
      file: file?.name,
      hint: 'Put the config.json beside the weights.',
    });
  }
  if (file && !(await folder.has('config.json'))) throw notOriginal(file.name);
  if (file || (await folder.has('config.json'))) {
    if (wanted === undefined) return { folder, prefix: '', file };
    throw new SecateurError(
      'BAD_OPTION',
      `${file?.name ?? folder.name} is one model: it has no component "${wanted}".`,
      {
        field: 'component',
        hint: 'Leave the component out.',
      },
    );
  }
  const index = await readJson(folder, 'model_index.json');
  const component = wanted === undefined ? componentOf(index) : namedComponent(index, wanted, folder.name);
  if (component && modelClasses.has(component.className)) {
    return { folder, prefix: `${safePath(component.name, folder.name)}/`, index };
  }
  const what = component ? `whose ${component.name} is of the class ${component.className}` : 'without a model';
  throw new SecateurError('BAD_FILE', `${folder.name} is a pipeline ${what}, which is not known.`, {
    file: folder.name,
    field: component?.name ?? 'model_index.json',
    hint: `Known classes: ${[...modelClasses.keys()].join(', ')}. Another component can be opened by its own folder.`,
  });
}

/** @throws {SecateurError} BAD_OPTION when the pipeline has no such component */
function namedComponent(index: Json, wanted: string, folder: string): { name: string; className: string } {
  const components = componentsOf(index);
  const found = components.find(([name]) => name === wanted);
  if (found) return { name: found[0], className: found[1] };
  throw new SecateurError('BAD_OPTION', `${folder} has no component "${wanted}".`, {
    file: folder,
    field: 'component',
    hint: `It has ${components.map(([name]) => name).join(', ')}.`,
  });
}

/** The pipeline's denoiser; the first component of a known class where it has none. */
function componentOf(index: Json): { name: string; className: string } | undefined {
  const components = componentsOf(index).map(([name, className]) => ({ name, className }));
  for (const denoiser of denoisers) {
    const found = components.find(({ name }) => name === denoiser);
    if (found) return found;
  }
  return components.find(({ className }) => modelClasses.has(className));
}

/** Components of a pipeline with their classes; those that are left out (`[null, null]`) are not listed. */
export function componentsOf(index: Json): [name: string, className: string][] {
  const components: [string, string][] = [];
  for (const [name, entry] of Object.entries(index)) {
    if (!name.startsWith('_') && Array.isArray(entry) && typeof entry[1] === 'string')
      components.push([name, entry[1]]);
  }
  return components;
}

/** @throws {SecateurError} IO when the file is missing; BAD_FILE when it holds no JSON object */
export async function readJson(folder: SourceFolder, path: string): Promise<Json> {
  const json = parsePythonJson(await readAll(folder, path), { file: path });
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  throw new SecateurError('BAD_FILE', `${path} must hold a JSON object.`, { file: path });
}

/** Largest configuration that is read, in bytes. */
const maxConfigBytes = 1 << 24;

/** @throws {SecateurError} BAD_FILE when a text file is too large to be one */
export async function readAll(folder: SourceFolder, path: string): Promise<Uint8Array> {
  const source = await folder.open(path);
  try {
    if (source.size > maxConfigBytes) {
      throw new SecateurError('BAD_FILE', `${path} has ${source.size} bytes; at most ${maxConfigBytes} are expected.`, {
        file: path,
      });
    }
    return await source.read(0, source.size);
  } finally {
    await source.close?.();
  }
}
