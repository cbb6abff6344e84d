import { type ByteSink, memoryInTurns, readAhead, writeBehind } from '@secateur/core';
import {
  type Allocate,
  bytesOf,
  castTensor,
  type DType,
  SecateurError,
  type Tensor,
  throwIfAborted,
  toFloat32,
} from '@secateur/graph';
import { type LayoutOptions, layoutSafetensors, type SafetensorsLayout, type TensorInfo } from './layout.js';

/** A tensor to be written; its values are asked for when their turn comes. Entries of a file read are of this form. */
export interface TensorToWrite extends TensorInfo {
  /** @param allocate  memory that may be read into, free again when the next but two is read: see `Constant.read`, of the same form */
  read(as?: undefined, allocate?: Allocate): Promise<Tensor>;
}

export interface WriteSafetensorsOptions extends LayoutOptions {
  signal?: AbortSignal;
  /** Called after every tensor with bytes written so far and in all. */
  onProgress?(done: number, total: number): void;
}

/**
 * Writes a safetensors file in canonical form (see `layoutSafetensors`), the next tensors on their way while one is
 * written. The sink stays open: whoever opened it closes it.
 *
 * @returns where everything lies
 * @throws {SecateurError} SHAPE_MISMATCH when a tensor is not what it was announced to be; BAD_DATA when a finite value
 *   does not fit the dtype asked for, or a name cannot be written; ABORTED; what reading and the sink throw
 */
export async function writeSafetensors(
  sink: ByteSink,
  tensors: Iterable<TensorToWrite>,
  options: WriteSafetensorsOptions = {},
): Promise<SafetensorsLayout<TensorToWrite>> {
  const { signal, onProgress } = options;
  throwIfAborted(signal);
  const layout = layoutSafetensors(tensors, options);
  await sink.write(layout.header);
  let done = layout.header.byteLength;
  const placed = layout.tensors.values();
  // Three at a time: one is read and one converted while one is written.
  const memory = memoryInTurns(3);
  const out = writeBehind(sink);
  try {
    const values = readAhead(placed, ({ tensor }) => tensor.read(undefined, memory()));
    for await (const [{ tensor, dtype, byteLength }, value] of values) {
      throwIfAborted(signal);
      checkAnnounced(tensor, value);
      const bytes = bytesOf(convert(tensor.name, value, dtype));
      if (byteLength > 0) await out.write(bytes);
      done += byteLength;
      onProgress?.(done, layout.totalBytes);
    }
  } finally {
    await out.flush();
  }
  return layout;
}

function checkAnnounced({ name, dtype, shape }: TensorInfo, value: Tensor): void {
  const same = value.shape.length === shape.length && value.shape.every((dim, axis) => dim === shape[axis]);
  if (same && value.dtype === dtype) return;
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `Tensor ${name} was announced as ${dtype} [${shape.join(', ')}] and is ${value.dtype} [${value.shape.join(', ')}].`,
    { field: name },
  );
}

/** Rounding to nearest. A finite weight must not become infinite unnoticed. */
function convert(name: string, value: Tensor, dtype: DType): Tensor {
  if (value.dtype === dtype) return value;
  const converted = castTensor(value, dtype);
  const overflow = firstOverflow(value, converted);
  if (overflow === undefined) return converted;
  throw new SecateurError('BAD_DATA', `Tensor ${name} holds ${overflow}, too large for ${dtype}.`, {
    field: name,
    hint: dtype === 'float16' ? 'Use bfloat16, or keep float32.' : 'Keep the dtype as it is.',
  });
}

/** The first finite value that the conversion made infinite. */
function firstOverflow(before: Tensor, { dtype, data }: Tensor): number | undefined {
  const narrow = dtype === 'float16' ? 0x7c00 : dtype === 'bfloat16' ? 0x7f80 : undefined;
  const at = narrow === undefined ? firstNotFinite(data as Float32Array) : firstOnes(data as Uint16Array, narrow);
  for (let i = at; i < data.length; i++) {
    const value = before.dtype === 'float64' ? (before.data[i] as number) : valueAt(before, i);
    if (Number.isFinite(value) && !Number.isFinite(valueAt({ dtype, shape: [], data }, i))) return value;
  }
  return undefined;
}

/** Exponents of all ones are infinity and NaN. */
function firstOnes(bits: Uint16Array, exponent: number): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponent) === exponent) return i;
  return bits.length;
}

function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return values.length;
}

function valueAt({ dtype, data }: Tensor, i: number): number {
  return toFloat32({ dtype, shape: [1], data: data.slice(i, i + 1) })[0]!;
}
