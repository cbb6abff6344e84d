import { SecateurError } from '@secateur/graph';
import { alphasCumprod, betaFields, zeroSnrField } from '../betas.js';
import { clipFields, limitOriginal, thresholdFields } from '../clipping.js';
import { combine } from '../combine.js';
import { flagField, wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { levelOf, noiseFrom, originalFrom, predictionField, refuseEpsilonWithoutSignal } from '../prediction.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { checkSteps, spacedTimesteps, spacingField } from '../timestep-spacing.js';

const f = Math.fround;

/**
 * Implicit sampling (Song et al., 2010.02502, equations 12 and 16); deterministic with `eta` 0. As in diffusers, the noise
 * direction uses the model's own noise also where the predicted x0 was clipped.
 */
export const ddim: Scheduler = defineScheduler({
  className: 'DDIMScheduler',
  options: ['eta'],
  fields: {
    ...betaFields(),
    ...clipFields(true),
    ...thresholdFields,
    set_alpha_to_one: flagField(true),
    prediction_type: predictionField(),
    timestep_spacing: spacingField('leading'),
    steps_offset: wholeField(0, 0, 1000),
    rescale_betas_zero_snr: zeroSnrField,
  },
  create: (config) => {
    const alphas = alphasCumprod(config, { zeroSnr: config.rescale_betas_zero_snr });
    const finalAlpha = config.set_alpha_to_one ? 1 : alphas[0];
    const { prediction_type: prediction, num_train_timesteps: trainTimesteps } = config;
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps, { eta = 0 }) => {
        checkSteps(steps, trainTimesteps);
        checkEta(eta);
        const timesteps = spacedTimesteps(config.timestep_spacing, steps, {
          trainTimesteps,
          offset: config.steps_offset,
          rounded: true,
        });
        refuseEpsilonWithoutSignal(prediction, alphas, timesteps);
        const stride = Math.floor(trainTimesteps / steps);
        return {
          timesteps,
          drawsNoise: () => eta > 0,
          step: ({ output, sample, index, noise }) => {
            const alpha = alphas[timesteps[index]];
            const previous = timesteps[index] - stride;
            const alphaPrevious = previous >= 0 ? alphas[previous] : finalAlpha;
            const level = levelOf(alpha);
            const x0 = limitOriginal(originalFrom(prediction, output, sample, level), config);
            const eps = noiseFrom(prediction, output, sample, level);
            const spread = eta * Math.sqrt(varianceOf(alpha, alphaPrevious));
            const direction = Math.sqrt(Math.max(f(1 - alphaPrevious) - spread * spread, 0));
            const next = combine([f(Math.sqrt(alphaPrevious)), x0], [direction, eps]);
            return { sample: eta > 0 ? combine([1, next], [spread, noise()]) : next, predictedOriginal: x0 };
          },
        };
      },
    };
  },
});

/** Variance of DDPM's step between these two noise levels. */
function varianceOf(alpha: number, alphaPrevious: number): number {
  return f(f(f(1 - alphaPrevious) / f(1 - alpha)) * f(1 - f(alpha / alphaPrevious)));
}

function checkEta(eta: number): void {
  if (eta >= 0 && eta <= 1) return;
  throw new SecateurError('BAD_OPTION', `eta is ${eta}; it must be in [0, 1].`, { field: 'eta' });
}
