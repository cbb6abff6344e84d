import type { GraphNode } from '../graph.js';
import { sizeOf, toFloat32 } from '../tensor.js';
import type { GraphIndex } from './graph-index.js';

/** The value that a value equals: the input of Identity, and of a product with one or a division by one, over and over. */
export function originOf(index: GraphIndex, value: number): number {
  let origin = value;
  for (;;) {
    const node = index.producer(origin);
    const source = node && unchangedInput(index, node);
    if (source === undefined) return origin;
    origin = source;
  }
}

/** A value and those made from it that equal it. */
export function equalsOf(index: GraphIndex, value: number): number[] {
  const equals = index.readers[value].flatMap((at) =>
    unchangedInput(index, index.graph.nodes[at]) === value ? equalsOf(index, index.outputs[at][0]) : [],
  );
  return [value, ...equals];
}

/** The input that a node hands on as it is. Exporters write the scale of a residual sum down where it is one as well. */
function unchangedInput(index: GraphIndex, { op, domain, inputs }: GraphNode): number | undefined {
  if (domain !== '') return undefined;
  if (op === 'Identity') return index.number(inputs[0]);
  if ((op === 'Div' || op === 'Mul') && isOne(index, inputs[1])) return index.number(inputs[0]);
  return op === 'Mul' && isOne(index, inputs[0]) ? index.number(inputs[1]) : undefined;
}

function isOne(index: GraphIndex, name: string): boolean {
  const constant = index.graph.constants.get(name);
  if (!constant?.value || constant.parameter || constant.shape.length > 1 || sizeOf(constant.shape) !== 1) return false;
  return toFloat32(constant.value)[0] === 1;
}
