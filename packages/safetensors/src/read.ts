import type { ByteSource } from '@secateur/core';
import {
  type Allocate,
  type Constant,
  type ParameterIdentity,
  SecateurError,
  type Tensor,
  tensorFromBytes,
} from '@secateur/graph';
import type { SafetensorsEntry, SafetensorsFile } from './checkpoint.js';
import { type HeaderEntry, parseHeader } from './header.js';

/** The reference reader's limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads the header of a safetensors file; tensors stay where they are until asked for.
 *
 * Nothing is allocated by the file's word: the header's length is compared with the file's size first, and every byte
 * range is inside the file, of the size its shape needs, and shared with no other.
 *
 * @throws {SecateurError} BAD_FILE when the file is cut short, malformed or contradicts itself; UNKNOWN_DTYPE; IO
 */
export async function readSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const jsonBytes = await headerLength(source);
  const headerBytes = 8 + jsonBytes;
  const json = await source.read(8, jsonBytes);
  const { metadata, entries } = parseHeader(json, source.name, source.size - headerBytes);
  const tensors = new Map(entries.map((entry) => [entry.name, entryOf(source, entry, headerBytes)]));
  return { name: source.name, metadata, tensors, sources: [source], headerBytes, close: async () => source.close?.() };
}

async function headerLength(source: ByteSource): Promise<number> {
  const { name: file, size } = source;
  if (size < 8) {
    throw new SecateurError('BAD_FILE', `${file} has ${size} bytes; a safetensors file has 10 or more.`, {
      file,
      field: 'header length',
      hint: 'The file is cut short. Download it again.',
    });
  }
  const first = await source.read(0, 8);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  const limit = Math.min(size - 8, MAX_HEADER_BYTES);
  if (length >= 2n && length <= BigInt(limit)) return Number(length);
  throw new SecateurError('BAD_FILE', `${file} states a header of ${length} bytes; expected 2 to ${limit}.`, {
    file,
    field: 'header length',
    hint: hintFor(new TextDecoder('latin1').decode(first)),
  });
}

/** Files that are often found under the name of a checkpoint. */
function hintFor(first: string): string {
  if (first === 'version ') return 'This is a Git LFS pointer, not the file itself: run `git lfs pull`.';
  if (first.startsWith('PK\x03\x04')) return 'This looks like a pickled PyTorch file: save it as safetensors.';
  if (/^\s*<(!|html)/i.test(first))
    return 'This is a web page, perhaps a login or error page: download the file itself.';
  return 'The file is cut short or is not a safetensors file. Download it again.';
}

function entryOf(source: ByteSource, header: HeaderEntry, headerBytes: number): SafetensorsEntry {
  const { name, dtype, shape, begin, end } = header;
  const offset = headerBytes + begin;
  const byteLength = end - begin;
  const read = async (_?: 'stored', allocate?: Allocate): Promise<Tensor> => {
    const bytes = await source.read(offset, byteLength, allocate);
    if (dtype === 'bool') checkBool(bytes, source.name, name);
    return tensorFromBytes(dtype, shape, bytes);
  };
  const constant = (parameter: ParameterIdentity = itself(name, shape)): Constant => ({
    dtype,
    shape,
    read,
    parameter,
    location: source.path === undefined ? undefined : { file: source.path, path: source.path, offset, byteLength },
  });
  return { name, dtype, shape, offset, byteLength, source, read, constant };
}

function itself(name: string, shape: readonly number[]): ParameterIdentity {
  return { name, shape, axes: shape.map((_, axis) => axis) };
}

function checkBool(bytes: Uint8Array, file: string, name: string): void {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong < 0) return;
  throw new SecateurError(
    'BAD_FILE',
    `${file}: BOOL tensor ${name} holds ${bytes[wrong]} at ${wrong}; expected 0 or 1.`,
    {
      file,
      field: name,
      hint: 'The file is damaged. Download it again.',
    },
  );
}
