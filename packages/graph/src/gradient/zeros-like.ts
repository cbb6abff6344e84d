import type { GraphBuilder } from '../builder.js';
import type { ValueType } from '../op-record.js';
import { castTensor, float32 } from '../tensor.js';

/** Zeros of a value's shape, made at run time: a constant of that size would be carried in the file. */
export function zerosLike(builder: GraphBuilder, name: string, { dtype }: ValueType): string {
  const value = castTensor(float32([1], [0]), dtype);
  return builder.op('ConstantOfShape', [builder.op('Shape', [name])], { value: { type: 'tensor', value } });
}
