import { SecateurError, type Tensor } from '@secateur/graph';
import { alphasCumprod, betaFields } from '../betas.js';
import { combine, type Term } from '../combine.js';
import { flagField, wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { levelOf, noiseFrom, noiseOrVelocityField, originalFrom } from '../prediction.js';
import type { SamplerState } from '../sampler.js';
import { type CheckedStep, defineScheduler, type Scheduler } from '../scheduler.js';
import { checkSteps, spacedTimesteps, spacingField } from '../timestep-spacing.js';

/** Adams-Bashforth weights for 1 to 4 model outputs, newest first. */
const multistepWeights = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/**
 * Pseudo-numerical steps (Liu et al., 2202.09778): Runge-Kutta for the first three, then linear multistep; with
 * `skip_prk_steps` (Stable Diffusion's way) multistep from the start, the second timestep being visited twice.
 *
 * State: `output1`..`output3`, model outputs, newest first; `sample`, where a Runge-Kutta or the doubled step began; `sum`,
 * the slopes of a Runge-Kutta step so far.
 */
export const pndm: Scheduler = defineScheduler({
  className: 'PNDMScheduler',
  fields: {
    ...betaFields(),
    skip_prk_steps: flagField(false),
    set_alpha_to_one: flagField(false),
    prediction_type: noiseOrVelocityField(),
    timestep_spacing: spacingField('leading'),
    steps_offset: wholeField(0, 0, 1000),
  },
  create: (config) => {
    const alphas = alphasCumprod(config);
    const finalAlpha = config.set_alpha_to_one ? 1 : alphas[0];
    const { prediction_type: prediction, num_train_timesteps: trainTimesteps } = config;
    /** Equation 9: from one timestep to an earlier one along a given output. */
    const move = (sample: Tensor, from: number, to: number, output: Tensor): Tensor => {
      const alpha = alphas[from];
      const alphaTo = to >= 0 ? alphas[to] : finalAlpha;
      const eps = noiseFrom(prediction, output, sample, levelOf(alpha));
      const denominator = alpha * Math.sqrt(1 - alphaTo) + Math.sqrt(alpha * (1 - alpha) * alphaTo);
      return combine([Math.sqrt(alphaTo / alpha), sample], [-(alphaTo - alpha) / denominator, eps]);
    };
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps, { skip = 0 }) => {
        checkSteps(steps, trainTimesteps);
        if (skip > 0 && !config.skip_prk_steps) throw cannotSkip();
        const spaced = spacedTimesteps(config.timestep_spacing, steps, {
          trainTimesteps,
          offset: config.steps_offset,
          rounded: true,
        });
        const stride = Math.floor(trainTimesteps / steps);
        const half = Math.floor(stride / 2);
        const timesteps = config.skip_prk_steps ? doubledSecond(spaced) : rungeKuttaFirst(spaced, half);
        const rungeKuttaCalls = config.skip_prk_steps ? 0 : 12;
        return {
          timesteps,
          needs: (index) => neededAt(index - skip, rungeKuttaCalls),
          step: (input) => {
            const { output, sample, index } = input;
            const here = timesteps[index];
            const predictedOriginal = originalFrom(prediction, output, sample, levelOf(alphas[here]));
            if (index < rungeKuttaCalls) {
              const { start, slope, state } = rungeKutta(input);
              const to = index % 2 === 0 ? here - half : here;
              const from = timesteps[index - (index % 4)];
              return { sample: move(start, from, to, slope), predictedOriginal, state };
            }
            const { start, slope, state } = multistep({ ...input, index: index - skip }, rungeKuttaCalls === 0);
            // Also with steps skipped the second call goes back by one step, as in diffusers.
            const isRepeat = rungeKuttaCalls === 0 && index - skip === 1;
            const from = isRepeat ? here + stride : here;
            return { sample: move(start, from, from - stride, slope), predictedOriginal, state };
          },
        };
      },
    };
  },
});

function cannotSkip(): SecateurError {
  return new SecateurError('BAD_OPTION', 'PNDM with Runge-Kutta steps cannot leave steps out.', {
    field: 'skip',
    hint: 'Set skip_prk_steps, as Stable Diffusion does, or take another sampler.',
  });
}

/** Names in the state: the fewest that the step reads. */
function neededAt(index: number, rungeKuttaCalls: number): string[] {
  if (index < rungeKuttaCalls) return index % 4 === 0 ? [] : ['sample', 'sum'];
  const outputs = rungeKuttaCalls > 0 ? 3 : Math.min(index === 1 ? 1 : index - 1, 3);
  const names = Array.from({ length: index === 0 ? 0 : outputs }, (_, i) => `output${i + 1}`);
  return rungeKuttaCalls === 0 && index === 1 ? [...names, 'sample'] : names;
}

function doubledSecond(timesteps: readonly number[]): number[] {
  return timesteps.length < 2 ? [...timesteps] : [timesteps[0], timesteps[1], ...timesteps.slice(1)];
}

/** Four calls for each of the first three steps: at the start, twice half way, and at the end. */
function rungeKuttaFirst(timesteps: readonly number[], half: number): number[] {
  if (timesteps.length < 4) {
    throw new SecateurError(
      'BAD_OPTION',
      `steps is ${timesteps.length}; PNDM with Runge-Kutta steps needs 4 or more.`,
      {
        field: 'steps',
        hint: 'Ask for more steps or set skip_prk_steps.',
      },
    );
  }
  const first = [0, 1, 2].flatMap((i) => {
    const middle = timesteps[i + 1] + half;
    return [timesteps[i], middle, middle, timesteps[i + 1]];
  });
  return [...first, ...timesteps.slice(3)];
}

interface Move {
  readonly start: Tensor;
  readonly slope: Tensor;
  readonly state: SamplerState;
}

function rungeKutta({ output, sample, index, state }: CheckedStep): Move {
  const outputs = outputsOf(state);
  switch (index % 4) {
    case 0: {
      const sum = combine([1 / 6, output]);
      return { start: sample, slope: output, state: { ...asState([output, ...outputs]), sample, sum } };
    }
    case 3: {
      const slope = combine([1, state.sum], [1 / 6, output]);
      return { start: state.sample, slope, state: asState(outputs) };
    }
    default: {
      const sum = combine([1, state.sum], [1 / 3, output]);
      return { start: state.sample, slope: output, state: { ...state, sum } };
    }
  }
}

function multistep({ output, sample, index, state }: CheckedStep, fromTheStart: boolean): Move {
  const outputs = outputsOf(state);
  if (fromTheStart && index === 1) {
    // Second visit of the second timestep: the first step again, with the mean of the outputs at both ends.
    return { start: state.sample, slope: combine([1 / 2, output], [1 / 2, outputs[0]]), state: asState(outputs) };
  }
  const newest = [output, ...outputs].slice(0, 4);
  const weights = multistepWeights[newest.length - 1];
  const terms = newest.map((tensor, i): Term => [weights[i], tensor]);
  const next = asState(newest);
  return {
    start: sample,
    slope: combine(...terms),
    state: fromTheStart && index === 0 ? { ...next, sample } : next,
  };
}

function outputsOf(state: SamplerState): Tensor[] {
  return [state.output1, state.output2, state.output3].filter((tensor) => tensor !== undefined);
}

function asState(outputs: readonly Tensor[]): SamplerState {
  return Object.fromEntries(outputs.slice(0, 3).map((tensor, i) => [`output${i + 1}`, tensor]));
}
