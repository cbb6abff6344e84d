import type { Library } from '../model-class.js';

/**
 * Fields that transformers insists are written as fractions: its configurations refuse `1` where they want `1.0`, a
 * difference that JSON's numbers do not have once they are read.
 */
const fractions = [
  'attention_dropout',
  'classifier_dropout',
  'dropout',
  'dropout_rate',
  'initializer_factor',
  'initializer_range',
  'layer_norm_eps',
  'layer_norm_epsilon',
];

const wholeFraction = new RegExp(`^( *"(?:${fractions.join('|')})": -?\\d+)(,?)$`, 'gm');

/** A configuration as text that its library reads. */
export function configText(config: Readonly<Record<string, unknown>>, library: Library): string {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  return library === 'transformers' ? text.replace(wholeFraction, '$1.0$2') : text;
}
