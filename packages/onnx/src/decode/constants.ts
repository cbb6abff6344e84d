import { type Constant, constantOf, isFloat, type ParameterIdentity, SecateurError } from '@secateur/graph';
import { TensorProto_DataLocation as DataLocation, type TensorProto } from 'onnx-buf';
import { ANNOTATIONS } from '../annotations.js';
import type { ExternalFiles } from './external-data.js';
import { readIdentity } from './identity.js';
import { inlineTensor, rawTensor, typeOfTensor } from './inline-data.js';
import type { ParsedModel } from './parse-model.js';

/**
 * Values of up to this many bytes are brought into memory at once, bigger ones when asked for: raw data in a protobuf is
 * not aligned, so a tensor over it is a copy; external data is another read. Integers are shapes and tables, which shape
 * inference wants to see.
 */
const EAGER_BYTES = 1 << 20;
const EAGER_EXTERNAL_FLOAT_BYTES = 1 << 12;

/** The constant of an initialiser. */
export async function initializerConstant(
  proto: TensorProto,
  parsed: ParsedModel,
  files: ExternalFiles,
): Promise<Constant> {
  const { file } = parsed;
  const { name } = proto;
  const parameter = parameterOf(proto, file);
  if (proto.dataLocation === DataLocation.EXTERNAL) {
    const { dtype, shape } = typeOfTensor(proto, name, file);
    const { source, location } = await files.rangeOf(proto, name, dtype, shape);
    const read = async () =>
      rawTensor(dtype, shape, await source.read(location.offset, location.byteLength), name, source.name);
    const limit = isFloat(dtype) ? EAGER_EXTERNAL_FLOAT_BYTES : EAGER_BYTES;
    const value = location.byteLength <= limit ? await read() : undefined;
    return { dtype, shape, parameter, location, value, read: value ? async () => value : read };
  }
  if (proto.rawData.length === 0) return constantOf(inlineTensor(proto, name, file), parameter);
  return rawConstant(proto, parsed, parameter);
}

function rawConstant(proto: TensorProto, parsed: ParsedModel, parameter: ParameterIdentity | undefined): Constant {
  const { file, bytes } = parsed;
  const { name, rawData } = proto;
  const { dtype, shape } = typeOfTensor(proto, name, file);
  const offset = rawData.byteOffset - bytes.byteOffset;
  const location = rawData.buffer === bytes.buffer ? { file, offset, byteLength: rawData.byteLength } : undefined;
  // Made once even for a big constant, so that a wrong length is found on loading.
  const value = inlineTensor(proto, name, file);
  if (rawData.byteLength <= EAGER_BYTES) return { ...constantOf(value, parameter), location };
  return { dtype, shape, parameter, location, read: async () => rawTensor(dtype, shape, rawData, name, file) };
}

function parameterOf(proto: TensorProto, file: string): ParameterIdentity | undefined {
  const note = proto.metadataProps.find(({ key }) => key === ANNOTATIONS.parameter);
  if (!note) return undefined;
  const identity = readIdentity(note.value, proto.dims.map(Number), file);
  if (identity) return identity;
  throw new SecateurError('BAD_FILE', `${proto.name}: ${ANNOTATIONS.parameter} does not fit its shape.`, {
    file,
    field: proto.name,
  });
}
