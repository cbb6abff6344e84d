import { float, int } from '@secateur/graph';
import type { ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** LayerNorm over the last axis. `weight: [width]`, `bias: [width]`. */
export function layerNorm(m: ModuleBuilder, path: string, x: Rows, epsilon = 1e-5): Rows {
  return m.at(path, () => {
    const scale = m.parameter('weight', [x.width], { kind: 'constant', value: 1 }).name;
    const bias = m.parameter('bias', [x.width], { kind: 'constant', value: 0 }).name;
    const attributes = { axis: int(-1), epsilon: float(epsilon) };
    return { ...x, value: m.graph.op('LayerNormalization', [x.value, scale, bias], attributes) };
  });
}
