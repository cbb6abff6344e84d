import { create, toBinary } from '@bufbuild/protobuf';
import { type Constant, type Graph, type OpSet, SecateurError, throwIfAborted } from '@secateur/graph';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf';
import { MODEL_FIELDS } from '../annotations.js';
import { byteLengthOf, readBytes } from '../constant-bytes.js';
import { decomposeGroupNorm } from '../decompose-group-norm.js';
import { GROUP_NORM_OPSET, irVersionOf } from '../versions.js';
import {
  type ExternalData,
  entries,
  externalInitializer,
  initializerHeader,
  nodeProto,
  valueInfo,
} from './messages.js';

export interface EncodeOptions {
  /**
   * Where a constant's bytes lie outside the model: in a file beside it, or in a buffer that the runtime is given under
   * that name. `undefined` puts the values into the model. Default: all values go into the model.
   */
  external?(name: string, constant: Constant): ExternalData | undefined;
  /** Constants that become inputs of the model, under their own names, so that they can change between runs. */
  variable?: Iterable<string>;
  /** Operators known, to work out shapes with. Default: the graph package's. */
  ops?: OpSet;
  signal?: AbortSignal;
}

/** An encoded model in pieces, for files too big to hold in memory twice. */
export interface EncodedOnnx {
  /** Bytes of all pieces together. */
  readonly byteLength: number;
  /** The pieces in order. Values are read one constant at a time, as the pieces are asked for. */
  chunks(): AsyncGenerator<Uint8Array, void>;
}

/** Largest protobuf message: lengths are 31 bits wide in common readers. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

// Protobuf tags (field number, wire type "length-delimited") of the three fields written by hand.
const TAG_MODEL_GRAPH = (7 << 3) | 2;
const TAG_GRAPH_INITIALIZER = (5 << 3) | 2;
const TAG_TENSOR_RAW_DATA = (9 << 3) | 2;

/**
 * The graph as the bytes of an `.onnx` file.
 *
 * Operator set, domains and names are the graph's; the IR version is the oldest that goes with the operator set.
 * Symbolic dimensions become `dim_param`, compound ones as their text (`2*height`). Below operator set 21 every
 * `GroupNormalization` is written as the nodes it is made of ({@link decomposeGroupNorm}).
 *
 * For an engine: pass `external` so that only the graph is encoded, and the weights stay where they are.
 *
 * @throws {SecateurError} BAD_OPTION when the bytes would exceed 2 GiB, or `variable` names no constant
 * @throws {SecateurError} SHAPE_MISMATCH when external bytes are not as many as the shape needs
 */
export async function encodeOnnx(graph: Graph, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const encoded = prepareOnnx(graph, options);
  const bytes = new Uint8Array(encoded.byteLength);
  let offset = 0;
  for await (const chunk of encoded.chunks()) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Like {@link encodeOnnx}, piece by piece: the length is known at once, values are read while the pieces are taken. */
export function prepareOnnx(graph: Graph, options: EncodeOptions = {}): EncodedOnnx {
  const variable = new Set(options.variable);
  const unknown = [...variable].filter((name) => !graph.constants.has(name));
  if (unknown.length > 0) {
    throw new SecateurError(
      'BAD_OPTION',
      `No constant named ${unknown.slice(0, 5).join(', ')} to turn into an input.`,
      {
        field: unknown[0],
      },
    );
  }
  const plain = graph.opset < GROUP_NORM_OPSET ? decomposeGroupNorm(graph, variable, options.ops) : graph;

  const inside: Inside[] = [];
  const outside: TensorProto[] = [];
  for (const [name, constant] of plain.constants) {
    if (variable.has(name)) continue;
    const byteLength = byteLengthOf(constant);
    const data = options.external?.(name, constant);
    if (data === undefined) inside.push(insideOf(name, constant, byteLength));
    else {
      checkLength(name, data, byteLength);
      outside.push(externalInitializer(name, constant, data));
    }
  }
  const model = toBinary(ModelProtoSchema, modelProto(plain));
  const body = toBinary(GraphProtoSchema, graphProto(plain, variable, outside));
  const bodyLength = inside.reduce(
    (total, { prefix, byteLength }) => total + prefix.byteLength + byteLength,
    body.length,
  );
  const head = concat(model, [TAG_MODEL_GRAPH], varint(bodyLength), body);
  const byteLength = head.length - body.length + bodyLength;
  if (byteLength > MAX_MESSAGE_BYTES) {
    throw new SecateurError(
      'BAD_OPTION',
      `The ONNX file would have ${byteLength} bytes; at most ${MAX_MESSAGE_BYTES} fit.`,
      {
        hint: 'Put the weights into external data.',
      },
    );
  }
  return { byteLength, chunks: () => chunksOf(head, inside, options.signal) };
}

/** A constant whose values go into the model: the bytes before the values are ready, the values are not read yet. */
interface Inside {
  readonly name: string;
  readonly constant: Constant;
  readonly prefix: Uint8Array;
  readonly byteLength: number;
}

function insideOf(name: string, constant: Constant, byteLength: number): Inside {
  const header = toBinary(TensorProtoSchema, initializerHeader(name, constant));
  const raw = [TAG_TENSOR_RAW_DATA, ...varint(byteLength)];
  const length = header.length + raw.length + byteLength;
  return { name, constant, byteLength, prefix: concat([TAG_GRAPH_INITIALIZER], varint(length), header, raw) };
}

async function* chunksOf(
  head: Uint8Array,
  inside: readonly Inside[],
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  yield head;
  for (const { name, constant, prefix } of inside) {
    throwIfAborted(signal);
    const value = await readBytes(name, constant);
    yield prefix;
    yield value;
  }
}

function modelProto(graph: Graph) {
  const { [MODEL_FIELDS.docString]: docString } = graph.metadata;
  return create(ModelProtoSchema, {
    irVersion: BigInt(irVersionOf(graph.opset)),
    producerName: 'secateur',
    docString,
    opsetImport: Object.entries({ '': graph.opset, ...graph.domains }).map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: entries(graph.metadata),
  });
}

function graphProto(graph: Graph, variable: ReadonlySet<string>, initializer: TensorProto[]) {
  const variables = [...variable].map((name) => {
    const { dtype, shape } = graph.constants.get(name)!;
    return valueInfo({ name, dtype, shape });
  });
  return create(GraphProtoSchema, {
    name: graph.name || 'graph',
    node: graph.nodes.map(nodeProto),
    input: [...graph.inputs.map(valueInfo), ...variables],
    output: graph.outputs.map(valueInfo),
    initializer,
  });
}

function checkLength(name: string, data: ExternalData, byteLength: number): void {
  if (data.length === byteLength) return;
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `${name} needs ${byteLength} bytes of external data; ${data.length} given.`,
    {
      field: name,
      file: data.location,
    },
  );
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return bytes;
}

function concat(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
