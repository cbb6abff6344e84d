import type { Model } from '@secateur/core';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import { guidanceEmbedding } from '../guidance.js';
import type { TextEncoder } from '../text-encoder.js';
import { checkWidth } from './check-width.js';
import { isGuided, type PipelineKind } from './kind.js';
import { encodeTexts } from './prompts.js';

/**
 * Stable Diffusion 1 and 2, and latent consistency models: the last states of one text encoder.
 * @throws {SecateurError} BAD_OPTION when the denoiser needs anything else; SHAPE_MISMATCH when widths differ
 */
export function stableDiffusion(model: Model, inputs: DenoiserInputs, encoder: TextEncoder): PipelineKind {
  refuseOtherConditions(model, inputs, ['encoder_hidden_states', 'timestep_cond']);
  checkWidth(inputs, 'encoder_hidden_states', [[encoder.name, encoder.width('last')]]);
  const condition = inputs.conditions.find(({ name }) => name === 'timestep_cond');
  const isDistilled = condition !== undefined;
  return {
    name: 'Stable Diffusion',
    takes: 'prompts',
    steps: isDistilled ? 4 : 50,
    guidanceScale: isDistilled ? 8.5 : 7.5,
    embedsGuidance: isDistilled,
    async conditions(request) {
      const { count, guidanceScale, negative } = request;
      if (condition) {
        const { given } = await encodeTexts([encoder], request, []);
        const embedded = guidanceEmbedding(guidanceScale - 1, count, Number(condition.shape.at(-1)));
        return { given: { encoder_hidden_states: given[0].last, timestep_cond: embedded } };
      }
      const none = isGuided(request) ? (negative ?? new Array<string>(count).fill('')) : [];
      const texts = await encodeTexts([encoder], request, none);
      const given = { encoder_hidden_states: texts.given[0].last };
      if (none.length === 0) return { given };
      return { given, without: { encoder_hidden_states: texts.negative[0].last } };
    },
    dispose: () => encoder.dispose(),
  };
}
