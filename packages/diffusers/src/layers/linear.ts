import { fromRanges } from '@secateur/core';
import { int, ints, scatterNode } from '@secateur/graph';
import type { FreeWidth, ModuleBuilder } from '../module-builder.js';
import type { ComputedOutputs } from '../overrides.js';
import { uniformInit } from '../tensor-spec.js';

/** Rows of features: `[batch, width]`, or `[batch, tokens, width]`. */
export interface Rows {
  readonly value: string;
  readonly width: number;
}

/**
 * Linear over `[batch, width]`. `weight: [out, in]`, `bias: [out]`.
 *
 * @param out  output width; a free one is taken from the weights
 */
export function linear(m: ModuleBuilder, path: string, x: Rows, out: number | FreeWidth): Rows {
  return m.at(path, () => {
    const { weight, width, outputs } = linearWeight(m, x, out);
    const bias = linearBias(m, x, width);
    return scattered(m, { value: m.graph.op('Gemm', [x.value, weight, bias], { transB: int(1) }), width }, 2, outputs);
  });
}

/** Linear over `[batch, tokens, width]`, written as exporters do: MatMul with the transposed weight. */
export function tokenLinear(m: ModuleBuilder, path: string, x: Rows, out: number | FreeWidth, hasBias = true): Rows {
  return m.at(path, () => {
    const { weight, width, outputs } = linearWeight(m, x, out);
    const transposed = m.graph.op('Transpose', [weight], { perm: ints([1, 0]) });
    const product = m.graph.op('MatMul', [x.value, transposed]);
    const value = hasBias ? m.graph.op('Add', [product, linearBias(m, x, width)]) : product;
    return scattered(m, { value, width }, 3, outputs);
  });
}

interface LinearWeight {
  readonly weight: string;
  /** Number of rows. */
  readonly width: number;
  /** Which outputs they compute, where that is not all. */
  readonly outputs?: ComputedOutputs;
}

function linearWeight(m: ModuleBuilder, x: Rows, out: number | FreeWidth): LinearWeight {
  const outputs = m.overrides.outputs?.[m.path];
  if (outputs && typeof out === 'number' && out !== outputs.width)
    m.problem(`${m.path} has ${outputs.width} outputs, expected ${out}`);
  const rows = outputs ? outputs.kept.reduce((sum, [from, to]) => sum + to - from, 0) : out;
  const { name, shape } = m.parameter('weight', [rows, x.width], uniformInit(x.width));
  return { weight: name, width: shape[0]!, outputs };
}

/** All outputs of a linear that computes some of them: the others are picked from a column of zeros at the end. */
function scattered(m: ModuleBuilder, x: Rows, rank: number, outputs: ComputedOutputs | undefined): Rows {
  if (!outputs) return x;
  const { graph } = m;
  const picks = new Array<number>(outputs.width).fill(x.width);
  fromRanges(outputs.kept).forEach((output, row) => {
    picks[output] = row;
  });
  const pads = [...new Array<number>(2 * rank - 1).fill(0), 1];
  const padded = graph.op('Pad', [x.value, graph.ints(pads)]);
  const name = `${m.path}/${scatterNode}`;
  const value = graph.op('Gather', [padded, graph.ints(picks)], { axis: int(rank - 1) }, { name });
  return { value, width: outputs.width };
}

function linearBias(m: ModuleBuilder, x: Rows, width: number): string {
  return m.parameter('bias', [width], uniformInit(x.width)).name;
}
