import type { Model } from '@secateur/core';
import { float32, type Tensor, zeros } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import { guidanceEmbedding } from '../guidance.js';
import { type Feeds, joinWidths, mapFeeds } from '../rows.js';
import type { TextEncoder } from '../text-encoder.js';
import { checkWidth } from './check-width.js';
import { type ConditionRequest, isGuided, type PipelineKind } from './kind.js';
import { type EncodedTexts, encodeTexts } from './prompts.js';

/**
 * SDXL: the last states but one of two text encoders side by side (of one, in its refiner), the second's projected vector,
 * and the picture's sizes as numbers: `[height, width, 0, 0, height, width]`, original, crop and target.
 *
 * @param zeroesEmpty  whether "no negative prompt" is zeros and not the empty text: `force_zeros_for_empty_prompt`
 * @throws {SecateurError} BAD_OPTION when the denoiser needs anything else; SHAPE_MISMATCH when widths differ
 */
export function sdxl(
  model: Model,
  inputs: DenoiserInputs,
  encoders: readonly TextEncoder[],
  zeroesEmpty: boolean,
): PipelineKind {
  refuseOtherConditions(model, inputs, ['encoder_hidden_states', 'text_embeds', 'time_ids', 'timestep_cond']);
  const last = encoders.at(-1)!;
  const states = encoders.map((encoder) => [encoder.name, encoder.width('penultimate')] as const);
  checkWidth(inputs, 'encoder_hidden_states', states);
  checkWidth(inputs, 'text_embeds', [[last.name, last.width('projected')]]);
  const condition = inputs.conditions.find(({ name }) => name === 'timestep_cond');
  return {
    name: 'SDXL',
    takes: 'prompts',
    steps: condition ? 4 : 50,
    guidanceScale: condition ? 8.5 : 5,
    embedsGuidance: condition !== undefined,
    async conditions(request) {
      const { count, guidanceScale, negative } = request;
      const time_ids = sizeNumbers(request);
      if (condition) {
        const { given } = await encodeTexts(encoders, request, []);
        const timestep_cond = guidanceEmbedding(guidanceScale - 1, count, Number(condition.shape.at(-1)));
        return { given: { ...textFeeds(given), time_ids, timestep_cond } };
      }
      const isZero = zeroesEmpty && negative === undefined;
      const none = isGuided(request) && !isZero ? (negative ?? new Array<string>(count).fill('')) : [];
      const texts = await encodeTexts(encoders, request, none);
      const given = textFeeds(texts.given);
      if (!isGuided(request)) return { given: { ...given, time_ids } };
      const without = isZero ? mapFeeds(given, ({ shape }) => zeros('float32', shape)) : textFeeds(texts.negative);
      return { given: { ...given, time_ids }, without: { ...without, time_ids } };
    },
    async dispose() {
      for (const encoder of encoders) await encoder.dispose();
    },
  };
}

function textFeeds(states: EncodedTexts['given']): Feeds {
  return {
    encoder_hidden_states: joinWidths(states.map(({ penultimate }) => penultimate)),
    text_embeds: states.at(-1)!.projected,
  };
}

function sizeNumbers({ count, height, width }: ConditionRequest): Tensor {
  const row = [height, width, 0, 0, height, width];
  return float32(
    [count, row.length],
    Float32Array.from({ length: count * row.length }, (_, i) => row[i % row.length]),
  );
}
