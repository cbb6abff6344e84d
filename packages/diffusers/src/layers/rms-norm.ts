import type { ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** RMSNorm over the last axis: `x / sqrt(mean(x^2) + epsilon) * weight`. `weight: [width]`. */
export function rmsNorm(m: ModuleBuilder, path: string, x: Rows, epsilon: number): Rows {
  return m.at(path, () => {
    const { graph } = m;
    const scale = m.parameter('weight', [x.width], { kind: 'constant', value: 1 }).name;
    const square = graph.op('ReduceMean', [graph.op('Mul', [x.value, x.value]), graph.ints([-1])]);
    const length = graph.op('Sqrt', [graph.op('Add', [square, graph.scalar(epsilon)])]);
    return { ...x, value: graph.op('Mul', [graph.op('Div', [x.value, length]), scale]) };
  });
}
