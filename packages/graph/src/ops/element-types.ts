import type { DType } from '../tensor.js';

/** ONNX's numbers for element types (`TensorProto.DataType`), as the `to` of a Cast holds them. */
export const dtypeByNumber: ReadonlyMap<number, DType> = new Map<number, DType>([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
]);

/** ONNX's number of an element type. */
export function dtypeNumber(dtype: DType): number {
  for (const [number, name] of dtypeByNumber) if (name === dtype) return number;
  throw new Error(`no number for ${dtype}`);
}
