import { type Model, type SourceFolder, subfolder } from '@secateur/core';
import { diffusersFormat, parsePythonJson } from '@secateur/diffusers';
import { SecateurError } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';

export type Json = Readonly<Record<string, unknown>>;

/** A model of a pipeline and its configuration, which an ONNX file may lack. */
export interface LoadedPart {
  readonly model: Model;
  readonly config: Json;
}

/**
 * The model in a folder: an ONNX file, or configuration and weights. Weights stay where they are.
 *
 * @param name  of the part, for messages
 * @throws {SecateurError} BAD_FILE, BAD_CONFIG when there is none, or it cannot be read
 */
export async function loadPart(folder: SourceFolder, name: string): Promise<LoadedPart> {
  const config = (await jsonIfAny(folder, 'config.json')) ?? {};
  if (await folder.has('model.onnx')) {
    const model = await onnxFormat.load({ folder });
    return { model: { ...model, name, sizes: { ...model.sizes, ...sizesOf(model, config) } }, config };
  }
  if (!(await folder.has('config.json'))) throw missingPart(folder, name);
  const model = await diffusersFormat.load({ folder });
  return { model: { ...model, name }, config };
}

export function missingPart(folder: SourceFolder, name: string): SecateurError {
  return new SecateurError('BAD_FILE', `${folder.name} has neither model.onnx nor config.json.`, {
    file: folder.name,
    field: name,
    hint: `Copy the pipeline’s ${name} again, or pass one in \`components\`.`,
  });
}

/** The size of an ONNX denoiser's latent, which its configuration knows. */
function sizesOf({ sizes }: Model, { sample_size: size }: Json): Record<string, number> {
  const [height, width] = Array.isArray(size) ? size : [size, size];
  const found = { height, width };
  const isSize = (entry: [string, unknown]): entry is [string, number] =>
    entry[0] in sizes && Number.isSafeInteger(entry[1]) && Number(entry[1]) > 0;
  return Object.fromEntries(Object.entries(found).filter(isSize));
}

/** Largest configuration that is read, in bytes. */
const maxBytes = 2 ** 24;

/** @throws {SecateurError} BAD_FILE when the file is damaged */
export async function jsonIfAny(folder: SourceFolder, path: string): Promise<Json | undefined> {
  if (!(await folder.has(path))) return undefined;
  const file = await folder.open(path);
  try {
    if (file.size > maxBytes) {
      throw new SecateurError('BAD_FILE', `${path} has ${file.size} bytes; at most ${maxBytes} are expected.`, {
        file: path,
      });
    }
    const json = parsePythonJson(await file.read(0, file.size), { file: path });
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
    throw new SecateurError('BAD_FILE', `${path} must hold a JSON object.`, { file: path });
  } finally {
    await file.close?.();
  }
}

/** A part that was passed in place of the folder's own. */
export async function givenPart(given: Model | SourceFolder, name: string): Promise<LoadedPart> {
  if ('graph' in given) return { model: given, config: given.config ?? {} };
  return loadPart(given, name);
}

/** Whether a pipeline has a part. */
export async function hasPart(folder: SourceFolder, name: string): Promise<boolean> {
  const inner = subfolder(folder, name);
  return (await inner.has('config.json')) || (await inner.has('model.onnx'));
}
