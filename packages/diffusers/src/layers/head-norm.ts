import type { ModuleBuilder } from '../module-builder.js';
import type { Heads } from './attention.js';
import { layerNorm, plainLayerNorm } from './layer-norm.js';

/** What queries and keys of every head are normed by, as diffusers' `qk_norm` names it. */
export type HeadNorm = 'rms_norm' | 'layer_norm' | 'fp32_layer_norm';

export const headNorms: readonly HeadNorm[] = ['rms_norm', 'layer_norm', 'fp32_layer_norm'];

/**
 * Norms each head by itself, all with the same weight `[dim]`. Its statistics are over what is left of a head, so a head
 * without some channels is not the head with zeros in them.
 */
export function headNorm(m: ModuleBuilder, path: string, x: Heads, kind: HeadNorm, epsilon: number): Heads {
  const rows = { value: x.value, width: x.dim };
  const normed = {
    rms_norm: () => m.at(path, () => rmsNorm(m, rows, epsilon)),
    layer_norm: () => layerNorm(m, path, rows, epsilon),
    fp32_layer_norm: () => plainLayerNorm(m, path, rows, epsilon),
  }[kind]();
  return { ...x, value: normed.value };
}

/** RMSNorm over the last axis, in the current module: `x / sqrt(mean(x^2) + epsilon) * weight`. `weight: [width]`. */
function rmsNorm(m: ModuleBuilder, x: { value: string; width: number }, epsilon: number): { value: string } {
  const { graph } = m;
  const weight = m.parameter('weight', [x.width], { kind: 'constant', value: 1 }).name;
  const mean = graph.op('ReduceMean', [graph.op('Mul', [x.value, x.value]), graph.ints([-1])]);
  const root = graph.op('Sqrt', [graph.op('Add', [mean, graph.scalar(epsilon)])]);
  return { value: graph.op('Mul', [graph.op('Div', [x.value, root]), weight]) };
}
