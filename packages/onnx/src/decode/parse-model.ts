import { fromBinary } from '@bufbuild/protobuf';
import type { ByteSource } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { type GraphProto, type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { OPSET_RANGE } from '../versions.js';

/** Largest protobuf message; bigger models keep their weights in external data. */
const MAX_BYTES = 2 ** 31 - 1;

/** A parsed model with what every later step needs, all of it checked to be there. */
export interface ParsedModel {
  readonly file: string;
  readonly model: ModelProto;
  readonly graph: GraphProto;
  /** The file's bytes: raw data are views of them. */
  readonly bytes: Uint8Array;
  readonly opset: number;
  /** Versions of other operator domains. */
  readonly domains: Readonly<Record<string, number>>;
}

/** Reads and parses the file; refuses what a graph cannot hold, naming it. */
export async function parseModel(source: ByteSource): Promise<ParsedModel> {
  const file = source.name;
  if (source.size > MAX_BYTES) {
    throw new SecateurError('BAD_FILE', `${file} has ${source.size} bytes; an ONNX file has at most ${MAX_BYTES}.`, {
      file,
      hint: 'Weights above 2 GiB belong in external data beside the model.',
    });
  }
  const bytes = await source.read(0, source.size);
  const model = parseBytes(bytes, file);
  const { graph } = model;
  if (!graph) throw new SecateurError('BAD_FILE', `${file} holds no graph: it is not an ONNX model.`, { file });
  const { '': opset, ...domains } = domainsOf(model, file);
  if (opset === undefined) {
    throw new SecateurError('BAD_FILE', `${file} does not say which ONNX operator set it uses.`, { file });
  }
  if (opset < OPSET_RANGE.min || opset > OPSET_RANGE.max) {
    throw new SecateurError(
      'BAD_FILE',
      `${file} uses ONNX operator set ${opset}; ${OPSET_RANGE.min} to ${OPSET_RANGE.max} are supported.`,
      { file, field: 'opset_import', hint: 'Export again with another opset_version, e.g. 18.' },
    );
  }
  refuseUnsupported(model, graph, file);
  return { file, model, graph, bytes, opset, domains };
}

function parseBytes(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new SecateurError('BAD_FILE', `${file} is not a valid ONNX file: ${(cause as Error).message}.`, {
      file,
      cause,
      hint: 'The file may be cut short; download or export it again.',
    });
  }
}

function domainsOf(model: ModelProto, file: string): Record<string, number> {
  const domains = new Map<string, number>();
  for (const { domain, version } of model.opsetImport) {
    if (version < 0n || version > 1_000_000n) {
      throw new SecateurError('BAD_FILE', `${file}: operator set version ${version} is out of range.`, { file });
    }
    domains.set(standardDomain(domain), Number(version));
  }
  return Object.fromEntries(domains);
}

/** The standard domain has two spellings. */
export function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function refuseUnsupported(model: ModelProto, graph: GraphProto, file: string): void {
  const functions = model.functions.map(({ domain, name }) => (domain ? `${domain}.${name}` : name));
  refuse('UNKNOWN_OP', 'Functions defined in the model', functions, file, 'Inline the functions before loading.');
  const sparse = graph.sparseInitializer.map(({ values }) => values?.name || 'unnamed');
  refuse('UNKNOWN_DTYPE', 'Sparse initialisers', sparse, file, 'Export with dense weights.');
}

export function refuse(
  code: 'UNKNOWN_OP' | 'UNKNOWN_DTYPE',
  what: string,
  names: readonly string[],
  file: string,
  hint: string,
): void {
  if (names.length === 0) return;
  const shown = names.slice(0, 10).join(', ');
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  throw new SecateurError(code, `${what} are not supported: ${shown}${more}.`, { file, field: names[0], hint });
}
