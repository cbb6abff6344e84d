import { bytesPerElement, type DType, isFloat, SecateurError, sizeOf } from '@secateur/graph';
import { nameOfDtype, rankOfDtype } from './dtypes.js';
import { MAX_HEADER_BYTES } from './read.js';

export interface LayoutOptions {
  /** Text pairs kept in the file. diffusers and transformers want `{ format: 'pt' }`. Default: none. */
  metadata?: Readonly<Record<string, string>>;
  /** Convert floating-point tensors. Default: as they are. */
  dtype?: 'float32' | 'float16' | 'bfloat16';
}

/** What a layout needs to know of a tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Whether the dtype stays when the others are converted. Default false. */
  readonly keepsDtype?: boolean;
}

/** A tensor's place in the file to be written. */
export interface PlacedTensor<T extends TensorInfo = TensorInfo> {
  /** The tensor as given. */
  readonly tensor: T;
  /** Its dtype in the file. */
  readonly dtype: DType;
  /** From the beginning of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsLayout<T extends TensorInfo = TensorInfo> {
  /** Everything before the first tensor. */
  readonly header: Uint8Array;
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, PlacedTensor<T>>;
  readonly totalBytes: number;
}

/**
 * Where everything will lie in the file, known before a byte is written: ONNX external data can point there.
 *
 * The form is the reference library's: by dtype, wide ones first, then by name; compact JSON with `__metadata__` first;
 * spaces up to a multiple of 8. Metadata keys, which the library writes in random order, are sorted.
 *
 * @throws {SecateurError} BAD_DATA when a name is empty, reserved, not Unicode or there twice, a dimension is not a whole
 *   number, or the header would exceed the 100 MB that readers accept
 */
export function layoutSafetensors<T extends TensorInfo>(
  tensors: Iterable<T>,
  options: LayoutOptions = {},
): SafetensorsLayout<T> {
  const sorted = Array.from(tensors, (tensor) => ({ tensor, dtype: storedDtype(tensor, options.dtype) }));
  sorted.sort((a, b) => rankOfDtype(a.dtype) - rankOfDtype(b.dtype) || compareCodePoints(a.tensor.name, b.tensor.name));
  const fields = metadataFields(options.metadata ?? {});
  let end = 0;
  for (const { tensor, dtype } of sorted) {
    const begin = end;
    end += checkedBytes(tensor, dtype);
    const { name, shape } = tensor;
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${nameOfDtype(dtype)}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const header = encodeHeader(`{${fields.join(',')}}`);
  const placed = new Map<string, PlacedTensor<T>>();
  let offset = header.byteLength;
  for (const { tensor, dtype } of sorted) {
    if (placed.has(tensor.name)) throw badName(tensor.name, 'is there twice');
    const byteLength = sizeOf(tensor.shape) * bytesPerElement(dtype);
    placed.set(tensor.name, { tensor, dtype, offset, byteLength });
    offset += byteLength;
  }
  return { header, tensors: placed, totalBytes: offset };
}

function storedDtype({ dtype, keepsDtype }: TensorInfo, wanted: DType | undefined): DType {
  return wanted !== undefined && isFloat(dtype) && !keepsDtype ? wanted : dtype;
}

function metadataFields(metadata: Readonly<Record<string, string>>): string[] {
  const keys = Object.keys(metadata).sort(compareCodePoints);
  if (keys.length === 0) return [];
  const pairs = keys.map((key) => {
    const value = metadata[key]!;
    if (loneSurrogate.test(key + value)) throw badName(key, 'is metadata that is not Unicode text');
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return [`"__metadata__":{${pairs.join(',')}}`];
}

const loneSurrogate = /\p{Surrogate}/u;

function checkedBytes({ name, shape }: TensorInfo, dtype: DType): number {
  if (name === '' || name === '__metadata__') throw badName(name, 'is empty or reserved');
  if (loneSurrogate.test(name)) throw badName(name, 'is not Unicode text');
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  if (shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) && Number.isSafeInteger(bytes)) return bytes;
  throw new SecateurError('BAD_DATA', `Tensor ${name} has shape [${shape.join(', ')}]; expected whole numbers >= 0.`, {
    field: name,
  });
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new SecateurError('BAD_DATA', `The header needs ${length} bytes; readers accept ${MAX_HEADER_BYTES}.`, {
      hint: 'Shorten the metadata.',
    });
  }
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

/** The order of UTF-8 bytes; `<` compares UTF-16 units, in which surrogates come before U+E000 to U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000;
}

function badName(name: string, reason: string): SecateurError {
  return new SecateurError('BAD_DATA', `Name ${JSON.stringify(name)} ${reason}.`, {
    field: name,
    hint: 'Give every tensor a name of its own.',
  });
}
