import { int, ints } from '@secateur/graph';
import type { FreeWidth, ModuleBuilder } from '../module-builder.js';
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
    const { weight, width } = linearWeight(m, x, out);
    const bias = linearBias(m, x, width);
    return { value: m.graph.op('Gemm', [x.value, weight, bias], { transB: int(1) }), width };
  });
}

/** Linear over `[batch, tokens, width]`, written as exporters do: MatMul with the transposed weight. */
export function tokenLinear(m: ModuleBuilder, path: string, x: Rows, out: number | FreeWidth, hasBias = true): Rows {
  return m.at(path, () => {
    const { weight, width } = linearWeight(m, x, out);
    const transposed = m.graph.op('Transpose', [weight], { perm: ints([1, 0]) });
    const product = m.graph.op('MatMul', [x.value, transposed]);
    if (!hasBias) return { value: product, width };
    const bias = linearBias(m, x, width);
    return { value: m.graph.op('Add', [product, bias]), width };
  });
}

function linearWeight(m: ModuleBuilder, x: Rows, out: number | FreeWidth): { weight: string; width: number } {
  const { name, shape } = m.parameter('weight', [out, x.width], uniformInit(x.width));
  return { weight: name, width: shape[0]! };
}

function linearBias(m: ModuleBuilder, x: Rows, width: number): string {
  return m.parameter('bias', [width], uniformInit(x.width)).name;
}
