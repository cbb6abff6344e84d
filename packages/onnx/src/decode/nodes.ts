import {
  type Attribute,
  type Constant,
  constantOf,
  float32,
  type GraphNode,
  SecateurError,
  tensor,
} from '@secateur/graph';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  type NodeProto,
} from 'onnx-buf';
import { ANNOTATIONS } from '../annotations.js';
import { moduleInList, scopeOfName } from '../scope.js';
import { inlineTensor } from './inline-data.js';
import { standardDomain } from './parse-model.js';

const text = new TextDecoder();

/** A node as the graph holds it. Its name is made unique by the caller. */
export function decodeNode(proto: NodeProto, name: string, file: string): GraphNode {
  const attributes = proto.attribute.map(
    (attribute) => [attribute.name, decodeAttribute(attribute, proto, file)] as const,
  );
  return {
    name,
    op: proto.opType,
    domain: standardDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    attributes: Object.fromEntries(attributes),
    scope: scopeOf(proto),
  };
}

/**
 * Where a node stands in the model: as we noted it, as PyTorch's newer exporter notes it (a Python list of module paths,
 * the operator last), or from the path in its name.
 */
function scopeOf(proto: NodeProto): string {
  const notes = new Map(proto.metadataProps.map(({ key, value }) => [key, value]));
  const ours = notes.get(ANNOTATIONS.scope);
  if (ours !== undefined) return ours;
  return moduleInList(notes.get('pkg.torch.onnx.name_scopes') ?? '') ?? scopeOfName(proto.name);
}

function decodeAttribute(proto: AttributeProto, node: NodeProto, file: string): Attribute {
  const where = `${node.opType} "${node.name}": attribute ${proto.name}`;
  switch (proto.type) {
    case AttributeType.INT:
      return { type: 'int', value: safeInteger(proto.i, where, file) };
    case AttributeType.FLOAT:
      return { type: 'float', value: proto.f };
    case AttributeType.STRING:
      return { type: 'string', value: text.decode(proto.s) };
    case AttributeType.INTS:
      return { type: 'ints', value: proto.ints.map((value) => safeInteger(value, where, file)) };
    case AttributeType.FLOATS:
      return { type: 'floats', value: proto.floats };
    case AttributeType.STRINGS:
      return { type: 'strings', value: proto.strings.map((value) => text.decode(value)) };
    case AttributeType.TENSOR:
      if (proto.t && proto.t.dataLocation !== DataLocation.EXTERNAL) {
        return { type: 'tensor', value: inlineTensor(proto.t, where, file) };
      }
      throw new SecateurError('BAD_FILE', `${where} holds no values.`, { file, field: node.name });
    default:
      throw new SecateurError(
        'BAD_FILE',
        `${where} is of type ${AttributeType[proto.type] ?? proto.type}, which is not supported.`,
        {
          file,
          field: node.name,
        },
      );
  }
}

function safeInteger(value: bigint, where: string, file: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new SecateurError('BAD_FILE', `${where} is ${value}; at most 53 bits expected.`, { file });
}

/** The value of a `Constant` node. @throws {SecateurError} UNKNOWN_DTYPE for strings and sparse values */
export function constantOfNode(proto: NodeProto, file: string): Constant {
  const [attribute] = proto.attribute;
  switch (attribute?.name) {
    case 'value': {
      const decoded = decodeAttribute(attribute, proto, file);
      if (decoded.type === 'tensor') return constantOf(decoded.value);
      break;
    }
    case 'value_int':
      return constantOf(tensor('int64', [], BigInt64Array.of(attribute.i)));
    case 'value_ints':
      return constantOf(tensor('int64', [attribute.ints.length], BigInt64Array.from(attribute.ints)));
    case 'value_float':
      return constantOf(float32([], [attribute.f]));
    case 'value_floats':
      return constantOf(float32([attribute.floats.length], attribute.floats));
  }
  throw new SecateurError(
    'UNKNOWN_DTYPE',
    `Constant "${proto.name}" holds ${attribute?.name ?? 'nothing'}, which is not supported.`,
    {
      file,
      field: proto.name,
    },
  );
}
