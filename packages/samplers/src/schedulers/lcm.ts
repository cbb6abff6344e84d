import { SecateurError } from '@secateur/graph';
import { alphasCumprod, betaFields, zeroSnrField } from '../betas.js';
import { clipFields, limitOriginal, thresholdFields } from '../clipping.js';
import { combine } from '../combine.js';
import { flagField, numberField, wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { levelOf, originalFrom, predictionField, refuseEpsilonWithoutSignal } from '../prediction.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { checkSteps, spacingField } from '../timestep-spacing.js';

const sigmaData = 0.5;

/** Multistep sampling of latent consistency models (Luo et al., 2310.04378, algorithm 3). */
export const lcm: Scheduler = defineScheduler({
  className: 'LCMScheduler',
  fields: {
    ...betaFields(0.00085, 0.012, 'scaled_linear'),
    ...clipFields(false),
    ...thresholdFields,
    original_inference_steps: wholeField(50, 1, 100_000),
    set_alpha_to_one: flagField(true),
    prediction_type: predictionField(),
    // Read and checked, without effect: the steps are always a subset of the distillation's own.
    timestep_spacing: spacingField('leading'),
    steps_offset: wholeField(0, 0, 1000),
    timestep_scaling: numberField(10, 0, Number.MAX_VALUE),
    rescale_betas_zero_snr: zeroSnrField,
  },
  create: (config) => {
    const alphas = alphasCumprod(config, { zeroSnr: config.rescale_betas_zero_snr });
    const { prediction_type: prediction, original_inference_steps: originalSteps } = config;
    if (originalSteps > config.num_train_timesteps) {
      throw new SecateurError(
        'BAD_CONFIG',
        `original_inference_steps is ${originalSteps}; it must be at most num_train_timesteps, ${config.num_train_timesteps}.`,
        { field: 'original_inference_steps' },
      );
    }
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps) => {
        checkSteps(steps, originalSteps);
        const timesteps = subset(originalSteps, Math.floor(config.num_train_timesteps / originalSteps), steps);
        refuseEpsilonWithoutSignal(prediction, alphas, timesteps);
        const isLast = (index: number): boolean => index === timesteps.length - 1;
        return {
          timesteps,
          drawsNoise: (index) => !isLast(index),
          step: ({ output, sample, index, noise }) => {
            const level = levelOf(alphas[timesteps[index]]);
            const x0 = limitOriginal(originalFrom(prediction, output, sample, level), config);
            const scaled = timesteps[index] * config.timestep_scaling;
            const norm = scaled * scaled + sigmaData * sigmaData;
            const denoised = combine([scaled / Math.sqrt(norm), x0], [sigmaData ** 2 / norm, sample]);
            if (isLast(index)) return { sample: denoised, predictedOriginal: denoised };
            const next = levelOf(alphas[timesteps[index + 1]]);
            return {
              sample: combine([next.alpha, denoised], [next.sigma, noise()]),
              predictedOriginal: denoised,
            };
          },
        };
      },
    };
  },
});

/** `steps` of the distillation's timesteps `stride - 1, 2 * stride - 1, …`, noisiest first, evenly by index. */
function subset(originalSteps: number, stride: number, steps: number): number[] {
  const gap = originalSteps / steps;
  return Array.from({ length: steps }, (_, i) => (originalSteps - Math.floor(i * gap)) * stride - 1);
}
