import { basename } from 'node:path';
import { atomicOutput } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { checkOutput, checkOutputFile } from '../output-paths.js';
import { commaList } from '../shared-options.js';
import { fileOutput } from './file-output.js';
import { loadModel, modelPath } from './load-model.js';
import { type Emit, emitKinds, parseDtype, writeModel } from './write-model.js';

export interface ConvertRequest {
  readonly input: string;
  readonly component?: string;
  readonly out: string;
  readonly to?: string;
  readonly dtype?: string;
  readonly standalone: boolean;
  readonly replace: boolean;
  readonly signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

export interface Converted {
  readonly out: string;
  readonly files: readonly string[];
}

/** Reads a model and writes it in another format or dtype. @throws {SecateurError} BAD_OPTION, EXISTS, and what formats throw */
export async function convertModel(request: ConvertRequest): Promise<Converted> {
  const { input, out, replace, standalone, signal, onProgress } = request;
  const isFile = /\.onnx$/i.test(out);
  if (/\.safetensors$/i.test(out)) {
    throw new SecateurError('BAD_OPTION', `${out} would lack its config.json.`, {
      field: 'out',
      hint: 'Name a folder: the checkpoint and its configuration are written into it.',
    });
  }
  const emit = request.to === undefined ? (isFile ? (['onnx'] as const) : undefined) : parseEmit(request.to, 'to');
  if (isFile && emit?.join() !== 'onnx') {
    throw new SecateurError('BAD_OPTION', `${out} is one file; ${request.to} need a folder.`, {
      field: 'to',
      hint: 'Name a folder.',
    });
  }
  const dtype = request.dtype === undefined ? undefined : parseDtype(request.dtype);
  const check = isFile ? checkOutputFile : checkOutput;
  await check(out, [await modelPath(input)], replace);
  const model = await loadModel(input, { component: request.component });
  const output = isFile ? fileOutput(out, { replace }) : await atomicOutput(out, { replace });
  const onnxName = isFile ? basename(out) : undefined;
  try {
    const files = await writeModel(model, output, { emit, dtype, standalone, onnxName, signal, onProgress });
    await output.commit();
    return { out, files };
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** `diffusers,onnx` as a list. @throws {SecateurError} BAD_OPTION for anything else */
export function parseEmit(text: string, field: string): readonly Emit[] {
  const kinds = commaList(text);
  const bad = kinds.find((kind) => !emitKinds.some((known) => known === kind));
  if (bad === undefined && kinds.length > 0) return emitKinds.filter((kind) => kinds.includes(kind));
  throw new SecateurError('BAD_OPTION', `"${bad ?? text}" is no kind of file to write.`, {
    field,
    hint: `Choose from ${emitKinds.join(', ')}; several by comma.`,
  });
}
