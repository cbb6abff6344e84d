import type { ByteSource, SourceFolder } from '@secateur/core';
import {
  type Constant,
  type Graph,
  type GraphNode,
  inferTypes,
  type OpSet,
  SecateurError,
  type ValueInfo,
} from '@secateur/graph';
import type { ValueInfoProto } from 'onnx-buf';
import { MODEL_FIELDS } from '../annotations.js';
import { dataTypeName, dtypeOf } from '../data-types.js';
import { GROUP_NORM_OPSET } from '../versions.js';
import { initializerConstant } from './constants.js';
import { symbolicShape } from './dims.js';
import { ExternalFiles } from './external-data.js';
import { constantOfNode, decodeNode } from './nodes.js';
import { type ParsedModel, parseModel } from './parse-model.js';

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
 * @throws {SecateurError} UNKNOWN_OP for functions in the model and operators with subgraphs (If, Loop, Scan)
 */
export async function decodeOnnx(
  source: ByteSource,
  folder?: SourceFolder,
  options: { ops?: OpSet } = {},
): Promise<Graph> {
  const parsed = await parseModel(source);
  const { graph, file, model } = parsed;
  const files = new ExternalFiles(file, folder);
  const values = new Names('value', file);
  const constants = new Map<string, Constant>();
  for (const proto of graph.initializer) {
    values.add(proto.name);
    constants.set(proto.name, await initializerConstant(proto, parsed, files));
  }
  // Up to IR version 3, initialisers were listed as inputs too.
  const inputs = graph.input.filter(({ name }) => !constants.has(name)).map((proto) => inputInfo(proto, file));
  for (const { name } of inputs) values.add(name);
  const nodes = decodeNodes(parsed, values, constants);
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

function decodeNodes(parsed: ParsedModel, values: Names, constants: Map<string, Constant>): GraphNode[] {
  const { graph, file, opset } = parsed;
  const names = new Set<string>();
  const nodes: GraphNode[] = [];
  for (const proto of graph.node) {
    for (const input of proto.input) if (input) values.require(input, `${proto.opType} "${proto.name}"`);
    for (const output of proto.output) if (output) values.add(output);
    if (proto.opType === 'Constant' && proto.domain === '' && proto.output[0]) {
      constants.set(proto.output[0], constantOfNode(proto, file));
      continue;
    }
    const node = decodeNode(proto, uniqueName(proto.name || proto.output[0] || proto.opType, names), file);
    if (node.op === 'GroupNormalization' && node.domain === '' && opset < GROUP_NORM_OPSET) {
      throw new SecateurError(
        'UNKNOWN_OP',
        `GroupNormalization "${node.name}" of operator set ${opset} has a scale per group.`,
        {
          file,
          field: node.name,
          hint: `Export with opset_version ${GROUP_NORM_OPSET} or newer, or below 18.`,
        },
      );
    }
    nodes.push(node);
  }
  return nodes;
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

/** Names of values: each made once, before it is read. */
class Names {
  private readonly known = new Set<string>();

  constructor(
    private readonly kind: string,
    private readonly file: string,
  ) {}

  add(name: string): void {
    if (name === '') throw new SecateurError('BAD_FILE', `A ${this.kind} has no name.`, { file: this.file });
    if (this.known.has(name)) {
      throw new SecateurError('BAD_FILE', `Two ${this.kind}s are called ${name}.`, { file: this.file, field: name });
    }
    this.known.add(name);
  }

  require(name: string, reader: string): void {
    if (this.known.has(name)) return;
    throw new SecateurError('BAD_FILE', `${reader} reads "${name}", which nothing before it makes.`, {
      file: this.file,
      field: name,
    });
  }
}

/** Names of nodes are free in ONNX; graphs want each once. */
function uniqueName(base: string, taken: Set<string>): string {
  let name = base;
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
  taken.add(name);
  return name;
}

function given(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ''));
}
