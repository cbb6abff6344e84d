import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { textTies } from '../text-ties.js';
import type { CLIPTextConfig } from './config.js';

/**
 * What a CLIP text model's configuration can say about widths: the neurons, one number for all layers. Heads cannot become
 * fewer, as together they are as wide as the stream, nor the stream, which is the model's output.
 *
 * @param roundTo  widths stay multiples of this
 */
export function clipTextTies(_: CLIPTextConfig, coupling: Coupling, roundTo: number): WidthTies {
  return textTies(coupling, roundTo, ({ slices }) =>
    slices.some(({ tensor }) => tensor.endsWith('.mlp.fc1.weight')) ? 'neurons' : undefined,
  );
}
