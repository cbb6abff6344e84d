import type { ByteSource, SourceFolder } from '@secateur/core';
import { type Constant, type Graph, inferTypes, type OpSet, SecateurError, type ValueInfo } from '@secateur/graph';
import type { ValueInfoProto } from 'onnx-buf';
import { MODEL_FIELDS } from '../annotations.js';
import { dataTypeName, dtypeOf } from '../data-types.js';
import { initializerConstant } from './constants.js';
import { declaredKinds } from './declared-kinds.js';
import { symbolicShape } from './dims.js';
import { ExternalFiles } from './external-data.js';
import { Names } from './names.js';
import { NodeReader } from './node-reader.js';
import { parseModel } from './parse-model.js';

/**
 * Reads an `.onnx` file into a graph, as it is: names, order and operators stay; `Constant` nodes become constants.
 *
 * Values of up to a few kilobytes are in memory; bigger weights are read when asked for, each with the place of its bytes
 * in `location`. Symbolic dimensions keep their names; unnamed ones are called `<value>_dim_<axis>`. Metadata properties
 * are kept, and so are producer and description, under keys starting with `onnx:`.
 *
 * @param folder where the model's external data are, if it has any
 * @throws {SecateurError} BAD_FILE when the file is malformed, its operator set is not 11 to 24, or its external data are
 * missing, out of range or outside the folder
 * @throws {SecateurError} UNKNOWN_DTYPE for strings, complex, 8-bit and 4-bit floats and sparse tensors
 * An `If` whose condition is known before running, as older exporters write for `squeeze`, is replaced by the branch taken.
 *
 * @throws {SecateurError} UNKNOWN_OP for functions in the model and other operators with subgraphs (If, Loop, Scan)
 */
export async function decodeOnnx(
  source: ByteSource,
  folder?: SourceFolder,
  options: { ops?: OpSet } = {},
): Promise<Graph> {
  const parsed = await parseModel(source);
  const { graph, file, model } = parsed;
  const files = new ExternalFiles(file, folder);
  const kinds = declaredKinds(graph.valueInfo);
  const values = new Names('value', file);
  const constants = new Map<string, Constant>();
  for (const proto of graph.initializer) {
    values.add(proto.name);
    const constant = await initializerConstant(proto, parsed, files);
    constants.set(proto.name, kinds ? { ...constant, declared: kinds.get(proto.name) ?? 'computed' } : constant);
  }
  // Up to IR version 3, initialisers were listed as inputs too.
  const inputs = graph.input.filter(({ name }) => !constants.has(name)).map((proto) => inputInfo(proto, file));
  for (const { name } of inputs) values.add(name);
  const nodes = await new NodeReader(parsed, values, constants, inputs, options.ops).read(graph.node, files);
  const decoded: Graph = {
    name: graph.name,
    opset: parsed.opset,
    domains: parsed.domains,
    inputs,
    outputs: [],
    nodes,
    constants,
    metadata: {
      ...given({
        [MODEL_FIELDS.producerName]: model.producerName,
        [MODEL_FIELDS.producerVersion]: model.producerVersion,
        [MODEL_FIELDS.docString]: model.docString,
        [MODEL_FIELDS.graphDocString]: graph.docString,
      }),
      ...Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    },
  };
  for (const { name } of graph.output) values.require(name, 'The graph');
  return { ...decoded, outputs: outputInfos(graph.output, decoded, file, options.ops) };
}

function inputInfo(proto: ValueInfoProto, file: string): ValueInfo {
  const { dtype, shape } = declaredType(proto, file);
  if (dtype && shape) return { name: proto.name, dtype, shape };
  throw new SecateurError('BAD_FILE', `Input ${proto.name} has no type or shape.`, {
    file,
    field: proto.name,
    hint: 'Export again with shapes on the inputs.',
  });
}

/** Types of the outputs as declared; where they are not, as the operators give them. */
function outputInfos(protos: readonly ValueInfoProto[], graph: Graph, file: string, ops?: OpSet): ValueInfo[] {
  const declared = protos.map((proto) => ({ name: proto.name, ...declaredType(proto, file) }));
  const isComplete = declared.every(({ dtype, shape }) => dtype && shape);
  const types = isComplete ? undefined : inferTypes(graph, ops ? { ops } : {});
  return declared.map(({ name, dtype, shape }) => ({
    name,
    dtype: dtype ?? types!.get(name)!.dtype,
    shape: shape ?? types!.get(name)!.shape,
  }));
}

function declaredType({ name, type }: ValueInfoProto, file: string): Partial<Omit<ValueInfo, 'name'>> {
  const value = type?.value;
  if (value?.case === undefined) return {};
  if (value.case !== 'tensorType') {
    throw new SecateurError(
      'UNKNOWN_DTYPE',
      `${name} is a ${value.case.replace('Type', '')}; only tensors are supported.`,
      {
        file,
        field: name,
      },
    );
  }
  const { elemType, shape } = value.value;
  const dtype = dtypeOf(elemType);
  if (!dtype && elemType !== 0) {
    throw new SecateurError('UNKNOWN_DTYPE', `${name} is of type ${dataTypeName(elemType)}, which is not known.`, {
      file,
      field: name,
    });
  }
  return { dtype, shape: shape && symbolicShape(shape, name, file) };
}

function given(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ''));
}
