import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { activate } from './activation.js';
import { type Rows, tokenLinear } from './linear.js';

/**
 * FeedForward with GEGLU: a linear makes values and gates, the values go on times the gates' GELU, a second linear leads
 * back. Neuron `i` of `n` is rows `i` and `i + n` of `net.0.proj` and column `i` of `net.2`; `n` is the checkpoint's.
 *
 * @param neurons  by the configuration
 */
export function gegluFeedForward(m: ModuleBuilder, path: string, x: Rows, neurons: number): Rows {
  const { graph } = m;
  return m.at(path, () => {
    const hidden = m.at('net.0', () => {
      const both = tokenLinear(m, 'proj', x, free(2 * neurons));
      if (both.width % 2 !== 0) m.problem(`${m.path}.proj has ${both.width} rows, which must be values and gates`);
      const width = Math.floor(both.width / 2);
      const halves = graph.ints([width, both.width - width]);
      const [values, gates] = graph.multi('Split', [both.value, halves], { axis: int(-1) }, { outputs: 2 }) as [
        string,
        string,
      ];
      return { value: graph.op('Mul', [values, activate(m, 'gelu', gates)]), width };
    });
    return tokenLinear(m, 'net.2', hidden, x.width);
  });
}
