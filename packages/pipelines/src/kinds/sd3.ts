import type { Model } from '@secateur/core';
import { SecateurError, type Tensor, zeros } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import { type Feeds, joinTokens, joinWidths } from '../rows.js';
import type { TextEncoder } from '../text-encoder.js';
import { checkWidth } from './check-width.js';
import { dynamicShift } from './dynamic-shift.js';
import { isGuided, type PipelineKind } from './kind.js';
import { type EncodedTexts, encodeTexts } from './prompts.js';

/** Tokens of a prompt for T5. */
export const sd3Tokens = 256;

/**
 * Stable Diffusion 3: two CLIPs side by side, filled up with zeros to the width of T5's states, which follow them; zeros
 * where a folder leaves T5 out. The CLIPs' projected vectors side by side.
 *
 * @param clips  the two
 * @param patch  latents along a side of a token
 * @throws {SecateurError} BAD_OPTION when the denoiser needs anything else; SHAPE_MISMATCH when widths differ
 */
export function sd3(
  model: Model,
  inputs: DenoiserInputs,
  clips: readonly TextEncoder[],
  t5: TextEncoder | undefined,
  patch: number,
): PipelineKind {
  refuseOtherConditions(model, inputs, ['encoder_hidden_states', 'pooled_projections']);
  checkWidth(
    inputs,
    'pooled_projections',
    clips.map((clip) => [clip.name, clip.width('projected')]),
  );
  if (t5) checkWidth(inputs, 'encoder_hidden_states', [[t5.name, t5.width('last')]]);
  const width = Number(inputs.conditions.find(({ name }) => name === 'encoder_hidden_states')?.shape.at(-1));
  const encoders = t5 ? [...clips, t5] : clips;
  const feeds = (states: EncodedTexts['given']): Feeds => {
    const [first, second] = states;
    const clip = widened(joinWidths([first.penultimate, second.penultimate]), width);
    const rest = t5 ? states[2].last : zeros('float32', [clip.shape[0], sd3Tokens, width]);
    return {
      encoder_hidden_states: joinTokens(clip, rest),
      pooled_projections: joinWidths([first.projected, second.projected]),
    };
  };
  return {
    name: 'Stable Diffusion 3',
    takes: 'prompts',
    steps: 28,
    guidanceScale: 7,
    takesMoreSteps: true,
    plan: (height, width, { config }) => dynamicShift(config, Math.floor(height / patch) * Math.floor(width / patch)),
    async conditions(request) {
      const none = isGuided(request) ? (request.negative ?? new Array<string>(request.count).fill('')) : [];
      const texts = await encodeTexts(encoders, request, none);
      const given = feeds(texts.given);
      return none.length > 0 ? { given, without: feeds(texts.negative) } : { given };
    },
    async dispose() {
      for (const encoder of encoders) await encoder.dispose();
    },
  };
}

/** States `[rows, tokens, from]` with zeros behind, `[rows, tokens, to]`. */
function widened(states: Tensor, to: number): Tensor {
  const missing = to - states.shape[2];
  if (missing === 0) return states;
  if (missing > 0) return joinWidths([states, zeros('float32', [states.shape[0], states.shape[1], missing])]);
  const message = `The CLIPs together are ${states.shape[2]} wide; the denoiser’s encoder_hidden_states are ${to}.`;
  throw new SecateurError('SHAPE_MISMATCH', message, { field: 'encoder_hidden_states' });
}
