import type { Engine, Executable } from '@secateur/core';
import type { Constant, DType, Graph, GraphNode, Tensor } from '@secateur/graph';
import type { Foreign } from './lower-graph.js';
import type { Lowering } from './lowering.js';
import { tensorStep } from './ops/plain.js';
import type { ConstantValue, Value } from './values.js';

/** Nodes that this engine lacks, each as a graph of its own on another one. Values go there and back as copies. */
export function foreignOn(engine: Engine): Foreign {
  return (lowering, node) => {
    const named = [...new Set(node.inputs.filter((name) => name !== ''))].map(
      (name) => [name, lowering.value(name)] as const,
    );
    const fed = named.filter(([, value]) => value.kind !== 'constant');
    const outputs = node.outputs.map((name) => (name ? outputOf(lowering, name) : undefined));
    const inputs = fed.map(([, value]) => (value.kind === 'view' ? lowering.ready(value) : value));
    let executable: Executable | undefined;
    const step = tensorStep(node.name, `${engine.name} ${node.op}`, inputs, outputs, async (given) => {
      const feeds = Object.fromEntries(fed.map(([name], i) => [name, given[i]!]));
      const results = await executable!.run(feeds);
      return node.outputs.map((name) => results[name] as Tensor);
    });
    lowering.emit({
      ...step,
      async prepare(assets) {
        await step.prepare?.(assets);
        executable = await engine.compile(graphOf(lowering, node, named));
      },
      free: () => void executable?.dispose(),
    });
    return outputs as readonly Value[];
  };
}

function outputOf(lowering: Lowering, name: string): Value {
  const shape = lowering.shapeOf(name);
  return lowering.isResident(name) ? lowering.make(name, shape) : { kind: 'host', label: name, shape };
}

function graphOf(lowering: Lowering, node: GraphNode, named: readonly (readonly [string, Value])[]): Graph {
  const info = (name: string) => ({ name, dtype: dtypeOf(lowering, name), shape: lowering.shapeOf(name) });
  const constants = named.flatMap(([name, value]): [string, Constant][] =>
    value.kind === 'constant' ? [[name, constantFrom(value, dtypeOf(lowering, name))]] : [],
  );
  return {
    ...lowering.graph,
    name: node.name,
    inputs: named.filter(([, { kind }]) => kind !== 'constant').map(([name]) => info(name)),
    outputs: node.outputs.filter((name) => name !== '').map(info),
    nodes: [node],
    constants: new Map(constants),
  };
}

function constantFrom({ shape, value, read }: ConstantValue, dtype: DType): Constant {
  return { dtype, shape, value, read };
}

/** Half precision is computed as float32 on the way. */
function dtypeOf(lowering: Lowering, name: string): DType {
  const { dtype } = lowering.types.get(name)!;
  return dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;
}
