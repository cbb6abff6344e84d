import { create } from '@bufbuild/protobuf';
import {
  type Attribute,
  bytesOf,
  type Constant,
  type Dim,
  type DType,
  type GraphNode,
  isSymbolic,
  type Tensor,
  type ValueInfo,
} from '@secateur/graph';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  type NodeProto,
  NodeProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ANNOTATIONS } from '../annotations.js';
import { DATA_TYPES } from '../data-types.js';
import { scopeOfName } from '../scope.js';

/** Bytes of a constant that lie in a file beside the model. */
export interface ExternalData {
  /** Path relative to the model's folder, with `/`. ONNX Runtime refuses paths that leave the folder. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

const text = new TextEncoder();

export function entries(record: Readonly<Record<string, string>>): StringStringEntryProto[] {
  return Object.entries(record).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}

export function valueInfo({ name, dtype, shape }: ValueInfo): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: DATA_TYPES[dtype],
          shape: create(TensorShapeProtoSchema, { dim: shape.map(dimension) }),
        }),
      },
    }),
  });
}

function dimension(dim: Dim) {
  return create(TensorShapeProto_DimensionSchema, {
    value: isSymbolic(dim) ? { case: 'dimParam', value: dim.text } : { case: 'dimValue', value: BigInt(dim) },
  });
}

export function nodeProto(node: GraphNode): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
    metadataProps: scopeOfName(node.name) === node.scope ? [] : entries({ [ANNOTATIONS.scope]: node.scope }),
  });
}

function attributeProto(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.type) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.value) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.value });
    case 'string':
      return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: text.encode(attribute.value) });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: attribute.value.map(BigInt) });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...attribute.value] });
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRINGS,
        strings: attribute.value.map((value) => text.encode(value)),
      });
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: inlineTensor(attribute.value) });
  }
}

function inlineTensor(value: Tensor): TensorProto {
  // A copy also frees the message from typed arrays over shared memory, which the schema does not take.
  return create(TensorProtoSchema, { ...header(value.dtype, value.shape), rawData: new Uint8Array(bytesOf(value)) });
}

function header(dtype: DType, shape: readonly number[]) {
  return { dataType: DATA_TYPES[dtype], dims: shape.map(BigInt) };
}

/** An initialiser without its values. */
export function initializerHeader(name: string, constant: Constant): TensorProto {
  const { parameter } = constant;
  return create(TensorProtoSchema, {
    name,
    ...header(constant.dtype, constant.shape),
    metadataProps: parameter ? entries({ [ANNOTATIONS.parameter]: JSON.stringify(parameter) }) : [],
  });
}

/** An initialiser whose values lie elsewhere. */
export function externalInitializer(name: string, constant: Constant, data: ExternalData): TensorProto {
  const proto = initializerHeader(name, constant);
  proto.dataLocation = DataLocation.EXTERNAL;
  proto.externalData = entries({
    location: data.location,
    offset: String(data.offset),
    length: String(data.length),
  });
  return proto;
}
