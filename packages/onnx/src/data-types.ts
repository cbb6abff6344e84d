import type { DType } from '@secateur/graph';
import { TensorProto_DataType as DataType } from 'onnx-buf';

/** ONNX's number of each element type. */
export const DATA_TYPES: Readonly<Record<DType, DataType>> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  float64: DataType.DOUBLE,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int16: DataType.INT16,
  uint16: DataType.UINT16,
  int32: DataType.INT32,
  uint32: DataType.UINT32,
  int64: DataType.INT64,
  uint64: DataType.UINT64,
  bool: DataType.BOOL,
};

const DTYPES = new Map<number, DType>(
  Object.entries(DATA_TYPES).map(([dtype, dataType]) => [dataType, dtype as DType]),
);

/** Element type of ONNX's number; `undefined` for strings, complex, 8-bit floats and 4-bit types. */
export function dtypeOf(dataType: number): DType | undefined {
  return DTYPES.get(dataType);
}

/** ONNX's own name of an element type, for messages: `FLOAT8E4M3FN`, or the number when it has none. */
export function dataTypeName(dataType: number): string {
  return DataType[dataType] ?? String(dataType);
}
