import type { GraphBuilder } from '@secateur/graph';
import type { ModuleBuilder } from '../module-builder.js';

export type Activation =
  | 'silu'
  | 'swish'
  | 'mish'
  | 'gelu' // exact, with the error function
  | 'gelu_tanh' // its approximation by a hyperbolic tangent
  | 'quick_gelu' // its approximation by a logistic function
  | 'relu';

/** Element-wise activation in its own module, e.g. `nonlinearity`. */
export function activation<T extends { readonly value: string }>(
  m: ModuleBuilder,
  path: string,
  kind: Activation,
  x: T,
): T {
  return m.at(path, () => ({ ...x, value: activate(m, kind, x.value) }));
}

/** The activation in the current module. */
export function activate({ graph }: ModuleBuilder, kind: Activation, x: string): string {
  switch (kind) {
    case 'silu':
    case 'swish':
      return graph.op('Mul', [x, graph.op('Sigmoid', [x])]);
    case 'mish':
      return mish(graph, x);
    case 'relu':
      return graph.op('Relu', [x]);
    case 'gelu': {
      // The exact form, x/2 * (1 + erf(x / sqrt 2)); the operator Gelu is newer than the operator set in use.
      const erf = graph.op('Erf', [graph.op('Mul', [x, graph.scalar(Math.SQRT1_2)])]);
      const half = graph.op('Mul', [x, graph.scalar(0.5)]);
      return graph.op('Mul', [half, graph.op('Add', [erf, graph.scalar(1)])]);
    }
    case 'gelu_tanh':
      return geluTanh(graph, x);
    case 'quick_gelu':
      return graph.op('Mul', [x, graph.op('Sigmoid', [graph.op('Mul', [x, graph.scalar(1.702)])])]);
  }
}

/** `x/2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))` */
function geluTanh(graph: GraphBuilder, x: string): string {
  const cube = graph.op('Mul', [graph.op('Mul', [x, x]), x]);
  const sum = graph.op('Add', [x, graph.op('Mul', [cube, graph.scalar(0.044715)])]);
  const tanh = graph.op('Tanh', [graph.op('Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))])]);
  const half = graph.op('Mul', [x, graph.scalar(0.5)]);
  return graph.op('Mul', [half, graph.op('Add', [tanh, graph.scalar(1)])]);
}

/**
 * `x tanh(log(1 + e^x))`, as `x u / (u + 2)` with `u = n (n + 2)` and `n = e^x`. Above 20 the fraction is 1 in float32, so
 * the exponent is held there and cannot overflow.
 */
function mish(graph: GraphBuilder, x: string): string {
  const n = graph.op('Exp', [graph.op('Min', [x, graph.scalar(20)])]);
  const u = graph.op('Mul', [n, graph.op('Add', [n, graph.scalar(2)])]);
  const fraction = graph.op('Div', [u, graph.op('Add', [u, graph.scalar(2)])]);
  return graph.op('Mul', [x, fraction]);
}
