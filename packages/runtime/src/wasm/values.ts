import { castTensor, type DType, isFloat, type Tensor } from '@secateur/graph';
import type { View } from './view.js';

/** A value that does not change between runs. Large ones are read when a layer is packed, and not kept. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly label: string;
  readonly shape: readonly number[];
  /** The values where they are at hand; half precision as float32. */
  readonly value?: Tensor;
  read(): Promise<Tensor>;
  /** The constant that this one is the transpose of, both of two axes. */
  readonly transposeOf?: ConstantValue;
}

/** A value outside the engine's memory: integers, truth values, doubles. Kept by name, made anew in every run. */
export interface HostValue {
  readonly kind: 'host';
  readonly label: string;
  readonly shape: readonly number[];
}

export type Value = View | ConstantValue | HostValue;

/** Whether values of this type live in the engine's memory, as float32. */
export const isResident = (dtype: DType): boolean => isFloat(dtype) && dtype !== 'float64';

export function widened(value: Tensor): Tensor {
  return value.dtype === 'float16' || value.dtype === 'bfloat16' ? castTensor(value, 'float32') : value;
}
