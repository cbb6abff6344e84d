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
    const { weight, bias, width } = linearParameters(m, x, out);
    return { value: m.graph.op('Gemm', [x.value, weight, bias], { transB: int(1) }), width };
  });
}

/** Linear over `[batch, tokens, width]`, written as exporters do: MatMul with the transposed weight. */
export function tokenLinear(m: ModuleBuilder, path: string, x: Rows, out: number | FreeWidth): Rows {
  return m.at(path, () => {
    const { weight, bias, width } = linearParameters(m, x, out);
    const transposed = m.graph.op('Transpose', [weight], { perm: ints([1, 0]) });
    const product = m.graph.op('MatMul', [x.value, transposed]);
    return { value: m.graph.op('Add', [product, bias]), width };
  });
}

function linearParameters(
  m: ModuleBuilder,
  x: Rows,
  out: number | FreeWidth,
): { weight: string; bias: string; width: number } {
  const init = uniformInit(x.width);
  const weight = m.parameter('weight', [out, x.width], init);
  const width = weight.shape[0]!;
  return { weight: weight.name, bias: m.parameter('bias', [width], init).name, width };
}
