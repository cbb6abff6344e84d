import { matches } from '@secateur/core';

/**
 * Layers that cost little and say much: the first and last convolution, embeddings of timestep, class, position and patches,
 * and what turns them into scales and shifts. Their N:M zeros would save next to nothing. (Attentions have a `proj_out` as
 * well, which is masked: only the model's own begins with it.)
 */
export const alwaysDense: readonly string[] = ['*conv_in.*', '*conv_out.*', 'proj_out*', '*emb*', '*norm*'];

/** Whether one of the patterns (`*` for any characters) names the weight. */
export function isLeftDense(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}
