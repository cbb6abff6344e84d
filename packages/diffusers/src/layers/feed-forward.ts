import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { type Activation, activate } from './activation.js';
import { type Rows, tokenLinear } from './linear.js';

/** What lies between the two linears of a FeedForward, as diffusers' `activation_fn` names it. */
export type FeedForwardKind = 'gelu' | 'gelu-approximate' | 'geglu' | 'geglu-approximate' | 'swiglu' | 'linear-silu';

export const feedForwardKinds: readonly FeedForwardKind[] = [
  'gelu',
  'gelu-approximate',
  'geglu',
  'geglu-approximate',
  'swiglu',
  'linear-silu',
];

interface Kind {
  readonly act: Activation;
  /** Whether the first linear makes values and gates, and the activation is the gates'. */
  readonly gated: boolean;
}

const kinds: Readonly<Record<FeedForwardKind, Kind>> = {
  gelu: { act: 'gelu', gated: false },
  'gelu-approximate': { act: 'gelu_tanh', gated: false },
  geglu: { act: 'gelu', gated: true },
  // Without gates, whatever the name says.
  'geglu-approximate': { act: 'quick_gelu', gated: false },
  swiglu: { act: 'silu', gated: true },
  'linear-silu': { act: 'silu', gated: false },
};

/**
 * FeedForward: a linear, an activation, a linear back. Neuron `i` is row `i` of `net.0.proj` and column `i` of `net.2`;
 * with gates, the values go on times the activated gates, and neuron `i` of `n` has row `i + n` as well. `n` is the
 * checkpoint's.
 *
 * @param x  `[batch, tokens, width]`
 * @param neurons  by the configuration
 */
export function feedForward(m: ModuleBuilder, path: string, x: Rows, neurons: number, kind: FeedForwardKind): Rows {
  const { act, gated } = kinds[kind];
  return m.at(path, () => {
    const hidden = m.at('net.0', () => {
      if (gated) return gatedNeurons(m, tokenLinear(m, 'proj', x, free(2 * neurons)), act);
      const made = tokenLinear(m, 'proj', x, free(neurons));
      return { ...made, value: activate(m, act, made.value) };
    });
    return tokenLinear(m, 'net.2', hidden, x.width);
  });
}

/** @param both  `[batch, tokens, 2 * neurons]`: values, then gates */
function gatedNeurons(m: ModuleBuilder, both: Rows, act: Activation): Rows {
  const { graph } = m;
  if (both.width % 2 !== 0) m.problem(`${m.path}.proj has ${both.width} rows, which must be values and gates`);
  const width = Math.floor(both.width / 2);
  const halves = graph.ints([width, both.width - width]);
  const [values, gates] = graph.multi('Split', [both.value, halves], { axis: int(-1) }, { outputs: 2 }) as [
    string,
    string,
  ];
  return { value: graph.op('Mul', [values, activate(m, act, gates)]), width };
}
