import {
  allocate,
  type DType,
  SecateurError,
  sizeOf,
  type Tensor,
  type TensorData,
  tensorFromBytes,
} from '@secateur/graph';
import type { TensorProto } from 'onnx-buf';
import { dataTypeName, dtypeOf } from '../data-types.js';
import { staticShape } from './dims.js';

/** Element type and shape of a tensor message. @throws {SecateurError} UNKNOWN_DTYPE, BAD_FILE */
export function typeOfTensor(proto: TensorProto, name: string, file: string): { dtype: DType; shape: number[] } {
  const dtype = dtypeOf(proto.dataType);
  if (!dtype) {
    throw new SecateurError(
      'UNKNOWN_DTYPE',
      `${name} is of type ${dataTypeName(proto.dataType)}, which is not known.`,
      {
        file,
        field: name,
      },
    );
  }
  if (proto.segment) {
    throw new SecateurError('BAD_FILE', `${name} is stored in segments, which is not supported.`, {
      file,
      field: name,
    });
  }
  return { dtype, shape: staticShape(proto.dims, dtype, name, file) };
}

/** Values kept in the message: as raw bytes (a view where alignment allows) or in the field of their type. */
export function inlineTensor(proto: TensorProto, name: string, file: string): Tensor {
  const { dtype, shape } = typeOfTensor(proto, name, file);
  const values = typedField(proto, dtype);
  const size = sizeOf(shape);
  // Empty tensors have neither raw bytes nor values.
  if (values.length > 0 || (proto.rawData.length === 0 && size === 0)) {
    if (values.length !== size) {
      throw new SecateurError('BAD_FILE', `${name}: shape [${shape}] holds ${size} values; ${values.length} given.`, {
        file,
        field: name,
      });
    }
    return { dtype, shape, data: converted(dtype, values) };
  }
  return rawTensor(dtype, shape, proto.rawData, name, file);
}

/** A tensor over raw bytes. @throws {SecateurError} BAD_FILE when they are not as many as the shape needs */
export function rawTensor(
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
  name: string,
  file: string,
): Tensor {
  try {
    return tensorFromBytes(dtype, shape, bytes);
  } catch (cause) {
    throw new SecateurError('BAD_FILE', `${name}: ${(cause as Error).message}`, { file, field: name, cause });
  }
}

function typedField(proto: TensorProto, dtype: DType): readonly (number | bigint)[] {
  switch (dtype) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/** Half precision is kept as bit patterns in `int32_data`, so that all types but the 64-bit ones are plain numbers. */
function converted(dtype: DType, values: readonly (number | bigint)[]): TensorData {
  const data = allocate(dtype, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) data[i] = values[i] as bigint;
  } else for (let i = 0; i < data.length; i++) data[i] = Number(values[i]);
  return data;
}
