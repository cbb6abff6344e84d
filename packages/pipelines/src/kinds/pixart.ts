import type { Model } from '@secateur/core';
import { float32, type Tensor, toNumbers } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import { type Feeds, firstChannels } from '../rows.js';
import type { TextEncoder } from '../text-encoder.js';
import { checkWidth } from './check-width.js';
import { type ConditionRequest, isGuided, type PipelineKind } from './kind.js';
import { encodeTexts } from './prompts.js';

/** Tokens of a prompt for T5, in PixArt-Alpha and PixArt-Sigma. */
export const pixartTokens = { alpha: 120, sigma: 300 } as const;

/**
 * PixArt: T5's states of a prompt in lower case. Attention takes no mask here, so that padding is cut off and pictures are
 * run one by one. Some models are told the picture's size. Learned variances are left aside.
 *
 * @throws {SecateurError} BAD_OPTION when the denoiser needs anything else; SHAPE_MISMATCH when widths differ
 */
export function pixart(model: Model, inputs: DenoiserInputs, t5: TextEncoder): PipelineKind {
  refuseOtherConditions(model, inputs, ['encoder_hidden_states', 'resolution', 'aspect_ratio']);
  checkWidth(inputs, 'encoder_hidden_states', [[t5.name, t5.width('last')]]);
  const takesSize = inputs.conditions.some(({ name }) => name === 'resolution');
  return {
    name: 'PixArt',
    takes: 'prompts',
    steps: 20,
    guidanceScale: 4.5,
    cutsVariance: true,
    unpadded: ({ mask, encoder_hidden_states: states, ...others }) => {
      const used = toNumbers(mask).reduce((sum, value) => sum + value, 0);
      return { ...others, encoder_hidden_states: firstChannels(states, used) };
    },
    async conditions(request) {
      const none = isGuided(request) ? (request.negative ?? new Array<string>(request.count).fill('')) : [];
      const lower = { ...request, prompts: request.prompts.map(plain) };
      const texts = await encodeTexts([t5], lower, none.map(plain));
      const size = takesSize ? sizeFeeds(request) : {};
      const feeds = ([states]: readonly { last: Tensor; mask: Tensor }[]): Feeds => ({
        encoder_hidden_states: states.last,
        mask: states.mask,
        ...size,
      });
      return none.length > 0
        ? { given: feeds(texts.given), without: feeds(texts.negative) }
        : { given: feeds(texts.given) };
    },
    dispose: () => t5.dispose(),
  };
}

function plain(prompt: string): string {
  return prompt.toLowerCase().trim();
}

function sizeFeeds({ count, height, width }: ConditionRequest): Feeds {
  const sides = Array.from({ length: count }, () => [height, width]).flat();
  return {
    resolution: float32([count, 2], sides),
    aspect_ratio: float32([count, 1], new Array<number>(count).fill(height / width)),
  };
}
