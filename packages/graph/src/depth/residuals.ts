import { isSymbolic } from '../dim.js';
import type { GraphNode } from '../graph.js';
import type { ValueType } from '../op-record.js';
import type { GraphIndex } from './graph-index.js';

/** An Add of which one operand can stand for the sum: a residual connection. */
export interface Residual {
  /** Position of the Add in `graph.nodes`. */
  readonly at: number;
  /** Module that the Add lies in. */
  readonly scope: string;
  /** Number of the sum, and of the operand that stands for it. */
  readonly out: number;
  readonly kept: number;
  /** The value that both operands are made from; `kept` itself where nothing lies between. */
  readonly from: number;
  /** Parameters between `from` and `kept`: those of a shortcut. */
  readonly shortcut: readonly number[];
  /** Where `from` is a Concat of a value of the sum's type with a skip: that value. */
  readonly passed?: number;
}

/**
 * Finds the residual connections of a graph: every Add of two values of one size of which one, the kept, is an ancestor of
 * the other; or is made from an ancestor of it by at most one convolution or linear and by resampling (a shortcut).
 */
export function findResiduals(index: GraphIndex, types: ReadonlyMap<string, ValueType>): Residual[] {
  const residuals: Residual[] = [];
  const sums = new Set<number>();
  index.graph.nodes.forEach((node, at) => {
    if (node.op !== 'Add' || node.domain !== '' || node.inputs.length !== 2) return;
    const [a, b] = index.inputs[at];
    if (index.isConstant[a] || index.isConstant[b]) return;
    const [out] = index.outputs[at];
    if (isScore(index, out)) return;
    const typeOf = (value: number) => types.get(index.names[value])!;
    if (![a, b].every((operand) => canReplace(typeOf(out), typeOf(operand)))) return;
    const found = keptOperand(index, a, b);
    if (!found) return;
    // A stream that something is added to by a convolution (a picture, made smaller) is no branch beside a shortcut.
    if (found.shortcut.length > 0 && sums.has(undivided(index, found.kept === a ? b : a))) return;
    sums.add(out);
    const [first, ...others] = index.producer(found.from)?.op === 'Concat' ? index.sources(found.from) : [];
    const passed = others.length > 0 && canReplace(typeOf(out), typeOf(first)) ? first : undefined;
    residuals.push({ at, scope: node.scope, out, ...found, passed });
  });
  return residuals;
}

/** Operators between the sum of scores with a bias of positions or a mask and their Softmax. */
const beforeSoftmax = new Set(['Add', 'Cast', 'Div', 'Identity', 'Mul', 'Reshape', 'Where']);

/**
 * Whether a value becomes attention weights. The bias of T5's positions is made in its first block, so in every later one
 * it is an ancestor of the scores that it is added to: alone it would be no attention.
 */
function isScore(index: GraphIndex, value: number): boolean {
  for (;;) {
    const [at, ...others] = index.readers[value];
    if (at === undefined || others.length > 0) return false;
    const { op, domain } = index.graph.nodes[at];
    if (domain !== '') return false;
    if (op === 'Softmax') return true;
    if (!beforeSoftmax.has(op)) return false;
    [value] = index.outputs[at];
  }
}

/** What a value is a constant part of. */
function undivided(index: GraphIndex, value: number): number {
  const node = index.producer(value);
  const isScaled = node !== undefined && (node.op === 'Div' || node.op === 'Mul');
  const sources = isScaled ? index.sources(value) : [];
  return sources.length === 1 ? sources[0] : value;
}

/** Whether a value of type `by` can be read in the place of one of type `out`: nothing was broadcast between them. */
export function canReplace(out: ValueType, by: ValueType): boolean {
  if (out.dtype !== by.dtype || out.shape.length !== by.shape.length) return false;
  return out.shape.every((dim, axis) => {
    const other = by.shape[axis];
    return isSymbolic(dim) && isSymbolic(other) ? true : dim === other;
  });
}

type Kept = Pick<Residual, 'kept' | 'from' | 'shortcut'>;

function keptOperand(index: GraphIndex, a: number, b: number): Kept | undefined {
  // The usual case first: it needs one search.
  for (const [kept, other] of [
    [a, b],
    [b, a],
  ]) {
    if (index.producers[kept] < index.producers[other] && index.isAncestor(kept, other))
      return { kept, from: kept, shortcut: [] };
  }
  const [first, second] = [shortcutFrom(index, a, b), shortcutFrom(index, b, a)];
  if (!first || !second) return first ?? second;
  // Two branches: the one with weights goes, if only one has any.
  if (first.shortcut.length === 0 && second.shortcut.length > 0) return first;
  return second.shortcut.length === 0 && first.shortcut.length > 0 ? second : undefined;
}

/** Operators that a shortcut is made of: linear in its input. */
const weighted = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);
const plain = new Set([
  'Add',
  'AveragePool',
  'Cast',
  'Concat',
  'Div',
  'Identity',
  'Mul',
  'Pad',
  'Reshape',
  'Resize',
  'Slice',
  'Transpose',
  'Unsqueeze',
]);

/** Longest chain of operators that is taken for a shortcut. */
const longestShortcut = 12;

function shortcutFrom(index: GraphIndex, kept: number, other: number): Kept | undefined {
  const shortcut: number[] = [];
  let layers = 0;
  let value = kept;
  for (let step = 0; step < longestShortcut; step++) {
    const node = index.producer(value);
    if (node?.domain !== '' || !(weighted.has(node.op) || plain.has(node.op))) return undefined;
    const [source, ...others] = sourcesBeside(index, node, value);
    if (source === undefined || others.length > 0) return undefined;
    const parameters = parametersOf(index, index.producers[value]);
    if (weighted.has(node.op) && parameters.length > 0 && ++layers > 1) return undefined;
    shortcut.push(...parameters);
    value = source;
    if (index.isAncestor(value, other)) return { kept, from: value, shortcut };
  }
  return undefined;
}

/** Activations that a node reads; a target shape that is read off one of them is none. */
function sourcesBeside(index: GraphIndex, node: GraphNode, value: number): number[] {
  const sources = index.sources(value);
  if (sources.length < 2 || !(node.op === 'Reshape' || node.op === 'Resize')) return sources;
  return [index.number(node.inputs[0])];
}

/** Parameters that a node reads, itself or transposed or cast. */
function parametersOf(index: GraphIndex, at: number): number[] {
  const found: number[] = [];
  const left = index.inputs[at].filter((input) => index.isConstant[input]);
  while (left.length > 0) {
    const value = left.pop()!;
    if (index.graph.constants.get(index.names[value])?.parameter) found.push(value);
    const producer = index.producers[value];
    if (producer >= 0) left.push(...index.inputs[producer]);
  }
  return found;
}
