import { readFileSync } from 'node:fs';
import { type Constant, constantOf, type Graph, type Tensor } from '@secateur/graph';
import { type FixtureTensor, fixturePath, loadFixtureTensors } from '@secateur/testkit';

export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(fixturePath(path), 'utf8'));
}

/** Tensors of a fixture as constants in memory. */
export function constantsOf(path: string, prefix = ''): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const [name, tensor] of Object.entries(loadFixtureTensors(path))) {
    if (name.startsWith(prefix)) constants.set(name.slice(prefix.length), constantOf(asTensor(tensor)));
  }
  return constants;
}

export function asTensor(tensor: FixtureTensor): Tensor {
  return tensor;
}

/** The tensors `in.<input>` of a golden file, by input. */
export function feedsOf(golden: Record<string, FixtureTensor>): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(golden)) {
    if (name.startsWith('in.')) feeds[name.slice(3)] = asTensor(tensor);
  }
  return feeds;
}

/** The graph with all constants in memory. */
export async function inMemory(graph: Graph): Promise<Graph> {
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) constants.set(name, { ...constant, value: await constant.read() });
  return { ...graph, constants };
}
