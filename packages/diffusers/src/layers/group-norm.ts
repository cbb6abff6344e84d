import { float, float32, int } from '@secateur/graph';
import type { Feature, ModuleBuilder } from '../module-builder.js';

export interface GroupNormOptions {
  /** Norm groups by the configuration. */
  groups: number;
  epsilon: number;
}

/** GroupNorm. `weight: [channels]`, `bias: [channels]`. */
export function groupNorm(m: ModuleBuilder, path: string, x: Feature, options: GroupNormOptions): Feature {
  return m.at(path, () => {
    const scale = m.parameter('weight', [x.channels], { kind: 'constant', value: 1 }).name;
    const bias = m.parameter('bias', [x.channels], { kind: 'constant', value: 0 }).name;
    return normalize(m, x, scale, bias, options);
  });
}

/** GroupNorm without a scale and bias of its own, inside the current module. */
export function plainGroupNorm(m: ModuleBuilder, x: Feature, options: GroupNormOptions): Feature {
  const ones = m.graph.tensor(float32([x.channels], new Float32Array(x.channels).fill(1)), 'ones');
  const zeros = m.graph.tensor(float32([x.channels], new Float32Array(x.channels)), 'zeros');
  return normalize(m, x, ones, zeros, options);
}

function normalize(m: ModuleBuilder, x: Feature, scale: string, bias: string, options: GroupNormOptions): Feature {
  const groups = m.overrides.normGroups?.[m.path] ?? options.groups;
  if (groups < 1 || x.channels % groups !== 0) {
    m.problem(`${m.path} has ${x.channels} channels, which ${groups} norm groups do not divide`);
  }
  const value = m.graph.op('GroupNormalization', [x.value, scale, bias], {
    num_groups: int(groups),
    epsilon: float(options.epsilon),
  });
  return { ...x, value };
}
