import { getInts } from '../graph.js';
import type { ValueType } from '../op-record.js';
import type { Draft } from './depth-units.js';
import type { GraphIndex } from './graph-index.js';
import type { Modules } from './modules.js';
import { canReplace } from './residuals.js';

/**
 * The innermost stage of a U-Net, with the layers that lead into it and out of it, as BK-SDM-Tiny leaves it out: the first
 * skip that is read at a larger size than the smallest takes the place of what comes up.
 */
export function findStage(
  index: GraphIndex,
  modules: Modules,
  types: ReadonlyMap<string, ValueType>,
  branches: readonly Draft[],
): Draft[] {
  const typeOf = (value: number) => types.get(index.names[value])!;
  for (const [at, node] of index.graph.nodes.entries()) {
    if (node.op !== 'Concat' || index.inputs[at].length !== 2) continue;
    const [below, skip] = index.inputs[at];
    if (index.isConstant[below] || !typeOf(below) || typeOf(below).shape.length !== 4) continue;
    if (!index.isAncestor(skip, below) || !isResampled(index, skip, below)) continue;
    if (!canReplace(typeOf(below), typeOf(skip))) return [];
    const bypasses = [{ from: below, to: skip }];
    const { nodes, parameters } = index.deadAfter(bypasses);
    const paths = wholeModules(modules, parameters);
    const stages = paths.filter((path) => /\.\d+$/.test(path) && branches.some(({ id }) => id.startsWith(`${path}.`)));
    if (stages.length === 0) return [];
    const id = [...new Set([stages[0], stages.at(-1)!])].join('+');
    return [{ id, kind: 'stage', treatment: 'input', modules: paths, residuals: [], bypasses, nodes, parameters }];
  }
  return [];
}

const resamplers = new Set(['AveragePool', 'ConvTranspose', 'DepthToSpace', 'MaxPool', 'Resize', 'Upsample']);

/** Whether height and width change between two values. */
function isResampled(index: GraphIndex, from: number, to: number): boolean {
  const seen = new Set<number>();
  const left = [to];
  while (left.length > 0) {
    const value = left.pop()!;
    const node = index.producer(value);
    if (!node || seen.has(value) || index.producers[value] <= index.producers[from]) continue;
    seen.add(value);
    if (resamplers.has(node.op) || (node.op === 'Conv' && getInts(node, 'strides')?.some((stride) => stride > 1)))
      return true;
    left.push(...index.sources(value));
  }
  return false;
}

/** The outermost modules all of whose parameters are among those given. */
function wholeModules(modules: Modules, parameters: readonly number[]): string[] {
  const counts = new Map<string, number>();
  for (const parameter of parameters) {
    const parts = modules.nameOf(parameter).split('.');
    for (let i = 1; i < parts.length; i++) {
      const path = parts.slice(0, i).join('.');
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
  }
  const modulePaths = new Set(modules.paths());
  const whole = [...counts].flatMap(([path, count]) =>
    count === modules.count(path) && modulePaths.has(path) ? [path] : [],
  );
  return whole.filter((path) => !whole.some((outer) => path.startsWith(`${outer}.`)));
}
