import type { ByteSink } from '@secateur/core';
import {
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
  read(): Promise<Tensor>;
}

export interface WriteSafetensorsOptions extends LayoutOptions {
  signal?: AbortSignal;
  /** Called after every tensor with bytes written so far and in all. */
  onProgress?(done: number, total: number): void;
}

/**
 * Writes a safetensors file in canonical form (see `layoutSafetensors`), one tensor in memory at a time. The sink stays
 * open: whoever opened it closes it.
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
  for (const { tensor, dtype, byteLength } of layout.tensors.values()) {
    throwIfAborted(signal);
    const value = await tensor.read();
    checkAnnounced(tensor, value);
    if (byteLength > 0) await sink.write(bytesOf(convert(tensor.name, value, dtype)));
    done += byteLength;
    onProgress?.(done, layout.totalBytes);
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
  const before = value.dtype === 'float64' ? (value.data as Float64Array) : toFloat32(value);
  const after = toFloat32(converted);
  for (let i = 0; i < before.length; i++) {
    if (Number.isFinite(before[i]) && !Number.isFinite(after[i])) {
      throw new SecateurError('BAD_DATA', `Tensor ${name} holds ${before[i]}, too large for ${dtype}.`, {
        field: name,
        hint: dtype === 'float16' ? 'Use bfloat16, or keep float32.' : 'Keep the dtype as it is.',
      });
    }
  }
  return converted;
}
