import { betaFields, zeroSnrField } from '../betas.js';
import { combine } from '../combine.js';
import { wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { noiseOrVelocityField } from '../prediction.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { checkSteps, spacingField } from '../timestep-spacing.js';
import {
  initialScaleOf,
  inputScaleOf,
  originalAtSigma,
  sigmaAlphas,
  sigmaSchedule,
  slopeOf,
  stepAlong,
} from './sigma-schedule.js';

const f = Math.fround;

/**
 * Euler steps to a lower sigma than asked for, made up for by fresh noise, as DDPM's step does. Noise is drawn at every
 * step, also at the last, where its share is 0: the generator then stands where diffusers' does.
 */
export const eulerAncestral: Scheduler = defineScheduler({
  className: 'EulerAncestralDiscreteScheduler',
  fields: {
    ...betaFields(),
    prediction_type: noiseOrVelocityField(),
    timestep_spacing: spacingField('linspace'),
    steps_offset: wholeField(0, 0, 1000),
    rescale_betas_zero_snr: zeroSnrField,
  },
  create: (config) => {
    const alphas = sigmaAlphas(config, config.rescale_betas_zero_snr);
    const prediction = config.prediction_type;
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps) => {
        checkSteps(steps, config.num_train_timesteps);
        const { timesteps, sigmas } = sigmaSchedule(config, alphas, steps, 0);
        return {
          timesteps,
          initialNoiseScale: initialScaleOf(config.timestep_spacing, sigmas),
          inputScale: (index) => inputScaleOf(sigmas[index]),
          noised: (index, clean, noise) => combine([1, clean], [sigmas[index], noise]),
          drawsNoise: () => true,
          step: ({ output, sample, index, noise }) => {
            const from = sigmas[index];
            const to = sigmas[index + 1];
            const { up, down } = splitSigma(from, to);
            const x0 = originalAtSigma(prediction, output, sample, from);
            const next = stepAlong(sample, slopeOf(sample, x0, from), Math.fround(down - from));
            return { sample: combine([1, next], [up, noise()]), predictedOriginal: x0 };
          },
        };
      },
    };
  },
});

/**
 * The part of `to` that is fresh noise, and the rest: `up^2 + down^2 = to^2`, `down = to^2 / from`. In float32 as PyTorch
 * has it, where `down` loses digits when `from` is far larger: they are lost here too.
 */
function splitSigma(from: number, to: number): { up: number; down: number } {
  const fromSquared = f(from * from);
  const toSquared = f(to * to);
  const up = f(Math.sqrt(f(f(toSquared * f(fromSquared - toSquared)) / fromSquared)));
  return { up, down: f(Math.sqrt(Math.max(f(toSquared - f(up * up)), 0))) };
}
