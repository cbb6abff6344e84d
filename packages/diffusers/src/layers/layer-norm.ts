import { float, float32, int } from '@secateur/graph';
import type { ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** LayerNorm over the last axis. `weight: [width]`, `bias: [width]`. */
export function layerNorm(m: ModuleBuilder, path: string, x: Rows, epsilon = 1e-5): Rows {
  return m.at(path, () => {
    const scale = m.parameter('weight', [x.width], { kind: 'constant', value: 1 }).name;
    const bias = m.parameter('bias', [x.width], { kind: 'constant', value: 0 }).name;
    return { ...x, value: normalize(m, [x.value, scale, bias], epsilon) };
  });
}

/** LayerNorm over the last axis without a weight and bias of its own. */
export function plainLayerNorm<T extends Rows>(m: ModuleBuilder, path: string, x: T, epsilon: number): T {
  return m.at(path, () => {
    const ones = m.graph.tensor(float32([x.width], new Float32Array(x.width).fill(1)), 'ones');
    return { ...x, value: normalize(m, [x.value, ones], epsilon) };
  });
}

function normalize(m: ModuleBuilder, inputs: readonly string[], epsilon: number): string {
  return m.graph.op('LayerNormalization', inputs, { axis: int(-1), epsilon: float(epsilon) });
}
