import { betaFields, zeroSnrField } from '../betas.js';
import { combine } from '../combine.js';
import { choiceField, numberField, optionalField, wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { predictionField } from '../prediction.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { sigmaSpacingFields, sigmasOf } from '../sigmas.js';
import { checkSteps, evenly, spacingField } from '../timestep-spacing.js';
import {
  initialScaleOf,
  inputScaleOf,
  originalAtSigma,
  sigmaAlphas,
  sigmaSchedule,
  slopeOf,
  stepAlong,
} from './sigma-schedule.js';

/** Euler steps of the probability-flow ODE in sigma (Karras et al., 2206.00364, algorithm 1), without churn. */
export const euler: Scheduler = defineScheduler({
  className: 'EulerDiscreteScheduler',
  fields: {
    ...betaFields(),
    ...sigmaSpacingFields,
    prediction_type: predictionField(),
    interpolation_type: choiceField('linear', ['linear', 'log_linear']),
    sigma_min: optionalField(numberField(0, 0, Number.MAX_VALUE)),
    sigma_max: optionalField(numberField(0, 0, Number.MAX_VALUE)),
    timestep_spacing: spacingField('linspace'),
    timestep_type: choiceField('discrete', ['discrete']),
    steps_offset: wholeField(0, 0, 1000),
    rescale_betas_zero_snr: zeroSnrField,
    final_sigmas_type: choiceField('zero', ['zero', 'sigma_min']),
  },
  create: (config) => {
    const alphas = sigmaAlphas(config, config.rescale_betas_zero_snr);
    const prediction = config.prediction_type;
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps) => {
        checkSteps(steps, config.num_train_timesteps);
        const end = config.final_sigmas_type === 'zero' ? 0 : sigmasOf(alphas)[0];
        const schedule = sigmaSchedule(config, alphas, steps, end);
        const { timesteps } = schedule;
        const sigmas =
          config.interpolation_type === 'linear' ? schedule.sigmas : logLinearSigmas(sigmasOf(alphas), steps);
        return {
          timesteps,
          initialNoiseScale: initialScaleOf(config.timestep_spacing, sigmas),
          inputScale: (index) => inputScaleOf(sigmas[index]),
          noised: (index, clean, noise) => combine([1, clean], [sigmas[index], noise]),
          step: ({ output, sample, index }) => {
            const x0 = originalAtSigma(prediction, output, sample, sigmas[index]);
            const slope = slopeOf(sample, x0, sigmas[index]);
            const step = Math.fround(sigmas[index + 1] - sigmas[index]);
            return { sample: stepAlong(sample, slope, step), predictedOriginal: x0 };
          },
        };
      },
    };
  },
});

/** Evenly spaced in the logarithm over the whole range; as in diffusers the last step ends at the smallest sigma, not at 0. */
function logLinearSigmas(table: Float32Array, steps: number): Float32Array {
  const exponents = evenly(Math.log(table[table.length - 1]), Math.log(table[0]), steps + 1);
  return Float32Array.from(exponents, Math.exp);
}
