import { alphasCumprod, betaFields } from '../betas.js';
import { clampTo, clipFields } from '../clipping.js';
import { combine } from '../combine.js';
import { wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { predictionField } from '../prediction.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { sigmaSpacingFields } from '../sigmas.js';
import { checkSteps, spacingField } from '../timestep-spacing.js';
import { initialScaleOf, inputScaleOf, originalAtSigma, sigmaSchedule, slopeOf, stepAlong } from './sigma-schedule.js';

/**
 * Heun's second-order steps in sigma (Karras et al., 2206.00364, algorithm 1): an Euler step, then the same step again with
 * the mean of the slopes at both ends. The last step, to 0, is Euler's alone: `2 * steps - 1` calls of the model.
 *
 * State after an even call: `sample` and `slope` at the step's start.
 */
export const heun: Scheduler = defineScheduler({
  className: 'HeunDiscreteScheduler',
  fields: {
    ...betaFields(0.00085, 0.012),
    ...sigmaSpacingFields,
    ...clipFields(false),
    prediction_type: predictionField(),
    timestep_spacing: spacingField('linspace'),
    steps_offset: wholeField(0, 0, 1000),
  },
  create: (config) => {
    const alphas = alphasCumprod(config);
    const prediction = config.prediction_type;
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps, { skip = 0 }) => {
        checkSteps(steps, config.num_train_timesteps);
        const schedule = sigmaSchedule(config, alphas, steps, 0);
        const { sigmas } = schedule;
        const calls = 2 * steps - 1;
        // Calls 2k - 1 and 2k are both at timestep k.
        const at = (index: number): number => Math.ceil(index / 2);
        return {
          timesteps: Array.from({ length: calls }, (_, index) => schedule.timesteps[at(index)]),
          initialNoiseScale: initialScaleOf(config.timestep_spacing, sigmas),
          inputScale: (index) => inputScaleOf(sigmas[at(index)]),
          noised: (index, clean, noise) => combine([1, clean], [sigmas[at(index)], noise]),
          begin: 2 * skip,
          needs: (index) => (index % 2 === 1 ? ['sample', 'slope'] : []),
          step: ({ output, sample, index, state }) => {
            const here = sigmas[at(index)];
            const full = originalAtSigma(prediction, output, sample, here);
            const x0 = config.clip_sample ? clampTo(full, config.clip_sample_range) : full;
            const slope = slopeOf(sample, x0, here);
            if (index % 2 === 0) {
              const step = sigmas[at(index) + 1] - here;
              return { sample: stepAlong(sample, slope, step), predictedOriginal: x0, state: { sample, slope } };
            }
            const step = here - sigmas[at(index) - 1];
            const next = stepAlong(state.sample, combine([0.5, state.slope], [0.5, slope]), step);
            return { sample: next, predictedOriginal: x0 };
          },
        };
      },
    };
  },
});
