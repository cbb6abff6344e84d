import {
  type Constant,
  type Graph,
  type GraphNode,
  inferTypes,
  type OpSet,
  SecateurError,
  type ValueInfo,
  withoutDeadNodes,
} from '@secateur/graph';
import { AttributeProto_AttributeType as AttributeType, type GraphProto, type NodeProto } from 'onnx-buf';
import { GROUP_NORM_OPSET } from '../versions.js';
import { initializerConstant } from './constants.js';
import type { ExternalFiles } from './external-data.js';
import { type Names, uniqueName } from './names.js';
import { constantOfNode, decodeNode } from './nodes.js';
import { type ParsedModel, refuse, standardDomain } from './parse-model.js';
import { splitGroupNorm } from './split-group-norm.js';
import { splitHeads } from './split-heads.js';

/** Branches within branches: exporters write one level. */
const MAX_DEPTH = 8;

/** Reads nodes in order; `Constant` nodes become constants, and an `If` that is decided beforehand its branch. */
export class NodeReader {
  private readonly names = new Set<string>();
  private readonly nodes: GraphNode[] = [];

  constructor(
    private readonly parsed: ParsedModel,
    private readonly values: Names,
    private readonly constants: Map<string, Constant>,
    private readonly inputs: readonly ValueInfo[],
    private readonly ops: OpSet | undefined,
  ) {}

  async read(protos: readonly NodeProto[], files: ExternalFiles, depth = 0): Promise<GraphNode[]> {
    for (const [i, proto] of protos.entries()) {
      for (const input of proto.input) if (input) this.values.require(input, `${proto.opType} "${proto.name}"`);
      if (isControl(proto)) {
        const branch = depth < MAX_DEPTH ? this.branchOf(proto) : undefined;
        if (!branch) this.refuseControl(protos.slice(i));
        else await this.splice(proto, branch, files, depth);
      } else this.readNode(proto);
    }
    return this.nodes;
  }

  private readNode(proto: NodeProto): void {
    const { file, opset } = this.parsed;
    for (const output of proto.output) if (output) this.values.add(output);
    if (proto.opType === 'Constant' && standardDomain(proto.domain) === '' && proto.output[0]) {
      this.constants.set(proto.output[0], constantOfNode(proto, file));
      return;
    }
    const node = decodeNode(proto, this.uniqueName(proto), file);
    const newValue = (base: string) => this.newValue(base);
    if (node.op === 'GroupNormalization' && node.domain === '' && opset < GROUP_NORM_OPSET) {
      this.nodes.push(...splitGroupNorm(node, this.constants, newValue));
    } else if (node.op === 'Attention' && node.domain === '') {
      this.nodes.push(...(splitHeads(node, this.constants, newValue) ?? [node]));
    } else this.nodes.push(node);
  }

  private uniqueName(proto: NodeProto): string {
    return uniqueName(proto.name || proto.output[0] || proto.opType, this.names);
  }

  /** A name for a value that the file does not have. The prefix is one that no exporter writes. */
  private newValue(base: string): string {
    const name = `secateur/${base}`;
    this.values.add(name);
    this.names.add(name);
    return name;
  }

  /** The branch that an `If` takes, when shape arithmetic tells. */
  private branchOf(proto: NodeProto): GraphProto | undefined {
    const condition = proto.input[0];
    if (proto.opType !== 'If' || standardDomain(proto.domain) !== '' || !condition) return undefined;
    const [yes, no] = ['then_branch', 'else_branch'].map(
      (name) => proto.attribute.find((attribute) => attribute.name === name)?.g,
    );
    if (isSqueeze(yes, no)) return this.knownCondition(condition) ? yes : no;
    const taken = this.knownCondition(condition);
    return taken === undefined ? undefined : taken ? yes : no;
  }

  private knownCondition(name: string): boolean | undefined {
    const { graph, opset, domains } = this.parsed;
    const before: Graph = withoutDeadNodes({
      name: graph.name,
      opset,
      domains,
      inputs: this.inputs,
      outputs: [{ name, dtype: 'bool', shape: [] }],
      nodes: this.nodes,
      constants: this.constants,
      metadata: {},
    });
    try {
      const type = inferTypes(before, this.ops ? { ops: this.ops } : {}).get(name);
      const [element] = type?.elements ?? [];
      return typeof element === 'number' ? element !== 0 : undefined;
    } catch (error) {
      // What cannot be worked out decides nothing; what is wrong with it is told where it matters.
      if (error instanceof SecateurError) return undefined;
      throw error;
    }
  }

  /** The branch's constants and nodes in place of the `If`; its outputs under the names of the `If`'s. */
  private async splice(proto: NodeProto, branch: GraphProto, files: ExternalFiles, depth: number): Promise<void> {
    const { file } = this.parsed;
    if (branch.output.length < proto.output.length) {
      throw new SecateurError(
        'BAD_FILE',
        `${proto.opType} "${proto.name}" has ${proto.output.length} outputs; its branch ${branch.output.length}.`,
        { file, field: proto.name },
      );
    }
    for (const tensor of branch.initializer) {
      this.values.add(tensor.name);
      this.constants.set(tensor.name, await initializerConstant(tensor, this.parsed, files));
    }
    await this.read(branch.node, files, depth + 1);
    proto.output.forEach((output, k) => {
      if (!output) return;
      const from = branch.output[k]!.name;
      this.values.require(from, `A branch of ${proto.opType} "${proto.name}"`);
      this.values.add(output);
      const name = uniqueName(proto.name || output, this.names);
      this.nodes.push({
        name,
        op: 'Identity',
        domain: '',
        inputs: [from],
        outputs: [output],
        attributes: {},
        scope: '',
      });
    });
  }

  /** Names every operator with subgraphs from here on: the exporter has to be told of all. */
  private refuseControl(protos: readonly NodeProto[]): void {
    const control = protos.filter(isControl);
    const described = control.map((node) => `${node.opType} "${node.name}"${weightsIn(node)}`);
    const hint = 'Export without control flow, e.g. by tracing; an If is fine when shapes decide it.';
    refuse('UNKNOWN_OP', 'Operators with subgraphs', described, this.parsed.file, hint);
  }
}

/**
 * Whether the branches are those of `squeeze(axis)` over an axis of a size that only a run tells: without the axis if it
 * turns out to be 1, or as it is. What follows fits one rank only, and an axis exported as dynamic is not 1.
 */
function isSqueeze(yes: GraphProto | undefined, no: GraphProto | undefined): boolean {
  const only = (branch: GraphProto | undefined, op: string): boolean => {
    const nodes = branch?.node.filter(({ opType }) => opType !== 'Constant') ?? [];
    return nodes.length === 1 && nodes[0]!.opType === op;
  };
  return only(yes, 'Squeeze') && only(no, 'Identity');
}

function isControl({ attribute }: NodeProto): boolean {
  return attribute.some(({ type }) => type === AttributeType.GRAPH || type === AttributeType.GRAPHS);
}

/** How many weights would be lost with the node. */
function weightsIn({ attribute }: NodeProto): string {
  const count = attribute.reduce((sum, { g, graphs }) => {
    return sum + [...(g ? [g] : []), ...graphs].reduce((inner, graph) => inner + graph.initializer.length, 0);
  }, 0);
  return count === 0 ? '' : ` with ${count} ${count === 1 ? 'weight' : 'weights'} inside`;
}
