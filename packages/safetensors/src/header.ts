import { parseJson } from '@secateur/core';
import { bytesPerElement, type DType, SecateurError } from '@secateur/graph';
import { dtypeNamed } from './dtypes.js';

/** One tensor as the header states it; `begin` and `end` count from the first byte after the header. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly entries: readonly HeaderEntry[];
}

/** No tensor has as many axes. */
const MAX_RANK = 64;
/** Header, entry, shape; a little more, since readers ignore fields they do not know. */
const MAX_DEPTH = 16;

/**
 * Checks a header and everything in it against the file's size. What comes out can be read without further checks.
 *
 * @param json  the header without its length
 * @param dataBytes  length of the file after the header
 * @throws {SecateurError} BAD_FILE naming the tensor and what was expected, UNKNOWN_DTYPE
 */
export function parseHeader(json: Uint8Array, file: string, dataBytes: number): Header {
  if (json[0] !== 0x7b) throw bad(file, 'header', 'The header does not begin with `{`.');
  const header = parseJson(json, { file, maxDepth: MAX_DEPTH });
  if (!isRecord(header)) throw bad(file, 'header', 'The header is not a JSON object.');
  let metadata: Readonly<Record<string, string>> = {};
  const entries: HeaderEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else entries.push(parseEntry(name, value, file, dataBytes));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, file, dataBytes);
  return { metadata, entries };
}

function parseMetadata(value: unknown, file: string): Readonly<Record<string, string>> {
  if (value === null) return {};
  if (!isRecord(value)) throw bad(file, '__metadata__', '`__metadata__` is not an object of text values.');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'string') continue;
    throw bad(file, `__metadata__.${key}`, `\`__metadata__\` has a value under ${shown(key)} that is not text.`);
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, file: string, dataBytes: number): HeaderEntry {
  if (name === '') throw bad(file, 'header', 'A tensor has an empty name.');
  const label = shown(name);
  if (!isRecord(value)) {
    throw bad(file, name, `Tensor ${label} is described by ${shown(value)}; expected { dtype, shape, data_offsets }.`);
  }
  if (typeof value.dtype !== 'string') {
    throw bad(file, `${name}.dtype`, `Tensor ${label} has dtype ${shown(value.dtype)}; expected text like "F32".`);
  }
  const dtype = dtypeNamed(value.dtype, file, label);
  const shape = parseShape(value.shape, file, name);
  const [begin, end] = parseOffsets(value.data_offsets, file, name, dataBytes);
  const needed = bytesOfShape(shape, dtype);
  if (needed !== end - begin) {
    throw bad(
      file,
      `${name}.data_offsets`,
      `Tensor ${label}, ${value.dtype} of shape [${shape.join(', ')}], needs ${needed ?? 'more than 2^53'} bytes; its data_offsets [${begin}, ${end}] hold ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function parseShape(value: unknown, file: string, name: string): readonly number[] {
  const field = `${name}.shape`;
  if (!Array.isArray(value)) {
    throw bad(file, field, `Tensor ${shown(name)} has shape ${shown(value)}; expected a list of whole numbers.`);
  }
  if (value.length > MAX_RANK) {
    throw bad(file, field, `Tensor ${shown(name)} has ${value.length} axes; expected at most ${MAX_RANK}.`);
  }
  for (const dim of value) {
    if (isCount(dim)) continue;
    throw bad(
      file,
      field,
      `Tensor ${shown(name)} has a dimension ${shown(dim)}; expected a whole number, 0 to 2^53 - 1.`,
    );
  }
  return value;
}

function parseOffsets(value: unknown, file: string, name: string, dataBytes: number): readonly [number, number] {
  const [begin, end]: unknown[] = Array.isArray(value) && value.length === 2 ? value : [];
  if (isCount(begin) && isCount(end) && begin <= end && end <= dataBytes) return [begin, end];
  throw bad(
    file,
    `${name}.data_offsets`,
    `Tensor ${shown(name)} has data_offsets ${shown(value)}; expected [begin, end] with 0 <= begin <= end <= ${dataBytes}, the bytes after the header.`,
  );
}

/** `undefined` when the size, or a stride, is no exact number. Zeros do not excuse the other dimensions. */
function bytesOfShape(shape: readonly number[], dtype: DType): number | undefined {
  let bytes = bytesPerElement(dtype);
  for (const dim of shape) {
    bytes *= dim || 1;
    if (bytes > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return shape.includes(0) ? 0 : bytes;
}

/** Tensors must follow one another without overlap or gap, to the end of the file. */
function checkCoverage(entries: readonly HeaderEntry[], file: string, dataBytes: number): void {
  let covered = 0;
  let previous: HeaderEntry | undefined;
  for (const entry of entries) {
    if (entry.begin < covered) {
      throw bad(
        file,
        `${entry.name}.data_offsets`,
        `Tensors ${shown(previous!.name)} and ${shown(entry.name)} overlap: one ends at ${covered}, the other begins at ${entry.begin}.`,
      );
    }
    if (entry.begin > covered) {
      throw bad(
        file,
        `${entry.name}.data_offsets`,
        `${entry.begin - covered} bytes before tensor ${shown(entry.name)} belong to no tensor.`,
      );
    }
    covered = entry.end;
    previous = entry;
  }
  if (covered === dataBytes) return;
  throw bad(file, 'header', `The last ${dataBytes - covered} bytes of the file belong to no tensor.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** A value of the file inside a message, cut to a readable length. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function bad(file: string, field: string, message: string): SecateurError {
  return new SecateurError('BAD_FILE', `${file}: ${message}`, {
    file,
    field: field.slice(0, 200),
    hint: 'The file is damaged or made by a faulty tool. Download it again, or write it anew with a correct tool.',
  });
}
