import {
  bytesOf,
  bytesPerElement,
  type Constant,
  type Graph,
  SecateurError,
  sizeOf,
  throwIfAborted,
  type ValueInfo,
  withoutDeadNodes,
} from '@secateur/graph';
import { encodeOnnx } from '@secateur/onnx';
import { type CommonFolder, commonFolder } from './common-folder.js';
import { lowerGroupNorm } from './lower-group-norm.js';
import type { OrtSessionOptions } from './ort-module.js';
import { variableInput } from './variable-input.js';

/** Finds the file behind a constant's location: its absolute path without symlinks, or `undefined` to read the values. */
export type ResolveFile = (path: string) => Promise<string | undefined>;

/** What a session is made from. */
export interface SessionModel {
  readonly onnx: Uint8Array;
  /** Where the weights are: buffers given by name, and the folder that file references are relative to. */
  readonly options: Pick<OrtSessionOptions, 'externalData' | 'extra'>;
  /** The graph's inputs, then the constants that became inputs. */
  readonly inputs: readonly ValueInfo[];
}

/** Smaller constants go into the model: most are shapes and axes that onnxruntime folds while it loads. */
const MAX_INLINE_BYTES = 1024;

/** Most bytes of weights that go into the model when others are mapped from files; a protobuf ends at 2 GiB. */
const MAX_EMBEDDED_BYTES = 2 ** 30;

/**
 * The graph as a small ONNX model with its weights outside it: mapped from the file they lie in where `resolveFile` finds
 * one, in memory otherwise. onnxruntime copies what is in memory, so nothing of it need live on after the session is made.
 *
 * Measured with onnxruntime-node 1.30 on 16 MatMul weights, 256 MB in all: loading from buffers took 2.0 s and 867 MB
 * resident at most, from the file 0.28 s and 359 MB.
 *
 * @throws {SecateurError} BAD_OPTION when `variable` names no constant
 * @throws {SecateurError} UNKNOWN_DTYPE when an input or output is bfloat16
 */
export async function sessionModel(
  graph: Graph,
  variable: readonly string[],
  resolveFile: ResolveFile | undefined,
  signal: AbortSignal | undefined,
): Promise<SessionModel> {
  const inputs = [...graph.inputs, ...variable.map((name) => variableInput(graph, name))];
  for (const value of [...inputs, ...graph.outputs]) checkDType(value);
  const lowered = lowerGroupNorm(withoutDead(graph, variable));
  const outside = [...lowered.constants].filter(
    ([name, constant]) => !variable.includes(name) && byteLengthOf(constant) > MAX_INLINE_BYTES,
  );
  const found = await findFiles(
    outside.map(([, constant]) => constant),
    resolveFile,
  );
  const inMemory = outside.filter(([, constant]) => !fileReference(constant, found));
  // onnxruntime 1.30 takes weights from files or from buffers: given one buffer, it looks for all files among the buffers.
  const isMixed = inMemory.length > 0 && inMemory.length < outside.length;
  const isEmbedded = isMixed && bytesInAll(inMemory) <= MAX_EMBEDDED_BYTES;
  const files: Files = isMixed && !isEmbedded ? { resolved: new Map() } : found;
  const buffers = new Map<string, { path: string; constant: Constant }>();
  for (const [name, constant] of isEmbedded ? [] : outside) {
    if (!fileReference(constant, files)) buffers.set(name, { path: `memory-${buffers.size}`, constant });
  }
  const onnx = await encodeOnnx(lowered, {
    variable,
    signal,
    external(name, constant) {
      const buffer = buffers.get(name);
      if (buffer) return { location: buffer.path, offset: 0, length: byteLengthOf(constant) };
      return byteLengthOf(constant) > MAX_INLINE_BYTES ? fileReference(constant, files) : undefined;
    },
  });
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const { path, constant } of buffers.values()) {
    throwIfAborted(signal);
    externalData.push({ path, data: bytesOf(constant.value ?? (await constant.read())) });
  }
  const extra = files.common && {
    session: { model_external_initializers_file_folder_path: files.common.folder },
  };
  return { onnx, inputs, options: { ...(externalData.length > 0 && { externalData }), ...(extra && { extra }) } };
}

interface Files {
  readonly resolved: ReadonlyMap<string, string>;
  readonly common?: CommonFolder;
}

async function findFiles(constants: readonly Constant[], resolveFile: ResolveFile | undefined): Promise<Files> {
  const resolved = new Map<string, string>();
  if (!resolveFile) return { resolved };
  const paths = new Set(constants.flatMap(({ value, location }) => (!value && location?.path ? [location.path] : [])));
  for (const path of paths) {
    const real = await resolveFile(path);
    if (real !== undefined) resolved.set(path, real);
  }
  return { resolved, common: commonFolder([...resolved.values()]) };
}

function fileReference({ value, location }: Constant, files: Files) {
  if (value || !location?.path) return undefined;
  const relative = files.common?.relative.get(files.resolved.get(location.path) ?? '');
  return relative === undefined
    ? undefined
    : { location: relative, offset: location.offset, length: location.byteLength };
}

function checkDType(value: ValueInfo): void {
  if (value.dtype !== 'bfloat16') return;
  throw new SecateurError(
    'UNKNOWN_DTYPE',
    `"${value.name}" is bfloat16, which onnxruntime cannot pass to or from JavaScript.`,
    {
      field: value.name,
      hint: 'Convert the model to float32 or float16.',
    },
  );
}

/** Weights that nothing reads are not worth loading; a variable constant stays, as the caller will feed it. */
function withoutDead(graph: Graph, variable: readonly string[]): Graph {
  const live = withoutDeadNodes(graph);
  const constants = new Map(
    [...graph.constants].filter(([name]) => live.constants.has(name) || variable.includes(name)),
  );
  return { ...live, constants };
}

function bytesInAll(constants: readonly (readonly [string, Constant])[]): number {
  return constants.reduce((sum, [, constant]) => sum + byteLengthOf(constant), 0);
}

function byteLengthOf(constant: Constant): number {
  return sizeOf(constant.shape) * bytesPerElement(constant.dtype);
}
