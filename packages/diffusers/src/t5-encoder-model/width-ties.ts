import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { textTies } from '../text-ties.js';
import type { T5Config } from './config.js';

/**
 * What a T5's configuration can say about widths: heads, the width of a head and neurons, one number each for all layers.
 * Heads are one group in all layers anyway, as the table of position biases has one column for each.
 *
 * @param roundTo  widths stay multiples of this
 */
export function t5Ties(_: T5Config, coupling: Coupling, roundTo: number): WidthTies {
  return textTies(coupling, roundTo, ({ kind, slices }) => {
    if (kind === 'head') return 'heads';
    if (kind === 'head-dim') return 'head widths';
    return slices.some(({ tensor }) => /\.DenseReluDense\.wi(?:_0)?\.weight$/.test(tensor)) ? 'neurons' : undefined;
  });
}
