import type { Tensor } from '@secateur/graph';
import { mapFeeds, pickRows } from '../rows.js';
import type { TextEncoder, TextOutput } from '../text-encoder.js';
import type { ConditionRequest } from './kind.js';

type States = Readonly<Record<TextOutput | 'mask', Tensor>>;

export interface EncodedTexts {
  /** What each encoder, in order, makes of the pictures' prompts: a row for each. */
  readonly given: readonly States[];
  readonly negative: readonly States[];
}

/**
 * Prompts through text encoders, every text once.
 * @param negative  one for each picture, or none
 */
export async function encodeTexts(
  encoders: readonly TextEncoder[],
  { prompts, batchSize, signal }: ConditionRequest,
  negative: readonly string[],
): Promise<EncodedTexts> {
  const texts = [...new Set([...prompts, ...negative])];
  const rowsOf = (wanted: readonly string[]) => wanted.map((text) => texts.indexOf(text));
  const given: States[] = [];
  const without: States[] = [];
  for (const encoder of encoders) {
    const states = await encoder.encode(texts, { batchSize, signal });
    const pick = (indices: readonly number[]) => mapFeeds(states, (tensor) => pickRows(tensor, indices)) as States;
    given.push(pick(rowsOf(prompts)));
    without.push(pick(rowsOf(negative)));
  }
  return { given, negative: without };
}
