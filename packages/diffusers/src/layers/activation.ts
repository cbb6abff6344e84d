import type { ModuleBuilder } from '../module-builder.js';

export type Activation = 'silu' | 'swish' | 'mish' | 'gelu' | 'relu';

/** Element-wise activation in its own module, e.g. `nonlinearity`. */
export function activation<T extends { readonly value: string }>(
  m: ModuleBuilder,
  path: string,
  kind: Activation,
  x: T,
): T {
  return m.at(path, () => ({ ...x, value: activate(m, kind, x.value) }));
}

function activate({ graph }: ModuleBuilder, kind: Activation, x: string): string {
  switch (kind) {
    case 'silu':
    case 'swish':
      return graph.op('Mul', [x, graph.op('Sigmoid', [x])]);
    case 'mish':
      return graph.op('Mul', [x, graph.op('Tanh', [graph.op('Softplus', [x])])]);
    case 'relu':
      return graph.op('Relu', [x]);
    case 'gelu': {
      // The exact form, x/2 * (1 + erf(x / sqrt 2)); the operator Gelu is newer than the operator set in use.
      const erf = graph.op('Erf', [graph.op('Mul', [x, graph.scalar(Math.SQRT1_2)])]);
      const half = graph.op('Mul', [x, graph.scalar(0.5)]);
      return graph.op('Mul', [half, graph.op('Add', [erf, graph.scalar(1)])]);
    }
  }
}
