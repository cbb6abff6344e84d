import { readFileSync } from 'node:fs';
import { type ByteSource, bytesSource } from '@secateur/core';
import { type Graph, type Tensor, tensorFromBytes } from '@secateur/graph';
import { fixturePath } from '@secateur/testkit';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { decodeOnnx } from '../src/index.js';

/** The small UNet as PyTorch 1.13 exported it. */
export function unetSource(): ByteSource {
  return bytesSource('model.onnx', new Uint8Array(readFileSync(fixturePath('unet2d-tiny/model.onnx'))));
}

export const unet = (): Promise<Graph> => decodeOnnx(unetSource());

/** All tensors of a safetensors file: u64 length of the header, JSON header, data. */
export function readSafetensors(path: string): Map<string, Tensor> {
  const file = new Uint8Array(readFileSync(fixturePath(path)));
  const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  const dtypes = { F32: 'float32', I64: 'int64' } as const;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const {
      dtype,
      shape,
      data_offsets: offsets,
    } = entry as {
      dtype: keyof typeof dtypes;
      shape: number[];
      data_offsets: [number, number];
    };
    const bytes = file.slice(start + offsets[0], start + offsets[1]);
    tensors.set(name, tensorFromBytes(dtypes[dtype], shape, bytes));
  }
  return tensors;
}

/** Same file, other bytes. */
export function sourceOf(bytes: Uint8Array, name = 'model.onnx'): ByteSource {
  return bytesSource(name, bytes);
}

/** Largest absolute difference of two tensors of one shape. */
export function maxDifference(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`[${a.shape}] and [${b.shape}] differ`);
  let max = 0;
  for (let i = 0; i < a.data.length; i++) max = Math.max(max, Math.abs(Number(a.data[i]) - Number(b.data[i])));
  return max;
}

// biome-ignore lint/suspicious/noExplicitAny: message initialisers nest freely
export type Loose = any;

/** A float32 input or output of a message. */
export const floatValue = (name: string, dims: (number | string)[]): Loose => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: DataType.FLOAT,
        shape: {
          dim: dims.map((dim) => ({
            value:
              typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
          })),
        },
      },
    },
  },
});
