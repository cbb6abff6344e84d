import { float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import { alphasCumprod, betaFields, zeroSnrField } from '../betas.js';
import { clipFields, limitOriginal, thresholdFields } from '../clipping.js';
import { combine } from '../combine.js';
import { choiceField, wholeField } from '../config-fields.js';
import { variancePreserving } from '../noise-process.js';
import { levelOf, originalFrom, predictionField, refuseEpsilonWithoutSignal } from '../prediction.js';
import { defineScheduler, halvesOfChannels, type Scheduler } from '../scheduler.js';
import { checkSteps, spacedTimesteps, spacingField } from '../timestep-spacing.js';

// diffusers' fixed_large_log takes the square root of a negative logarithm: left out, so that it is refused.
const varianceTypes = ['fixed_small', 'fixed_small_log', 'fixed_large', 'learned', 'learned_range'] as const;

type VarianceType = (typeof varianceTypes)[number];

/** Ancestral sampling (Ho et al., 2006.11239, equations 6, 7 and 15). */
export const ddpm: Scheduler = defineScheduler({
  className: 'DDPMScheduler',
  fields: {
    ...betaFields(),
    ...clipFields(true),
    ...thresholdFields,
    variance_type: choiceField('fixed_small', varianceTypes),
    prediction_type: predictionField(),
    timestep_spacing: spacingField('leading'),
    steps_offset: wholeField(0, 0, 1000),
    rescale_betas_zero_snr: zeroSnrField,
  },
  create: (config) => {
    const alphas = alphasCumprod(config, { zeroSnr: config.rescale_betas_zero_snr });
    const { prediction_type: prediction, variance_type: varianceType } = config;
    const readsVariance = varianceType.startsWith('learned');
    return {
      process: variancePreserving(alphas),
      prediction,
      plan: (steps) => {
        checkSteps(steps, config.num_train_timesteps);
        const timesteps = spacedTimesteps(config.timestep_spacing, steps, {
          trainTimesteps: config.num_train_timesteps,
          offset: config.steps_offset,
          rounded: true,
        });
        refuseEpsilonWithoutSignal(prediction, alphas, timesteps);
        return {
          timesteps,
          readsVariance,
          drawsNoise: (index) => timesteps[index] > 0,
          step: ({ output, sample, index, noise }) => {
            const [mean, variance] = readsVariance ? splitLearned(output, sample) : [output, undefined];
            const posterior = posteriorOf(alphas[timesteps[index]], alphas[timesteps[index + 1]] ?? 1);
            const x0 = limitOriginal(originalFrom(prediction, mean, sample, levelOf(alphas[timesteps[index]])), config);
            const next = combine([posterior.original, x0], [posterior.current, sample]);
            if (timesteps[index] === 0) return { sample: next, predictedOriginal: x0 };
            const spread = spreadOf(varianceType, posterior, variance);
            return { sample: addSpread(next, spread, noise()), predictedOriginal: x0 };
          },
        };
      },
    };
  },
});

function splitLearned(output: Tensor, sample: Tensor): [Tensor, Tensor] {
  if (output.data.length === 2 * sample.data.length) return halvesOfChannels(output);
  throw new SecateurError('SHAPE_MISMATCH', `The model's output [${output.shape}] holds no learned variances.`, {
    field: 'variance_type',
    hint: 'Set variance_type to fixed_small or fixed_large.',
  });
}

interface Posterior {
  /** Coefficients of x0 and of the current sample in the mean. */
  readonly original: number;
  readonly current: number;
  readonly beta: number;
  /** The smaller of the two fixed variances. */
  readonly variance: number;
}

const f = Math.fround;

/** q(x_prev | x_t, x0). Every operation is rounded to float32: at small betas the differences lose digits there too. */
function posteriorOf(alphaBar: number, alphaBarPrevious: number): Posterior {
  const alpha = f(alphaBar / alphaBarPrevious);
  const beta = f(1 - alpha);
  const left = f(1 - alphaBar);
  const leftPrevious = f(1 - alphaBarPrevious);
  return {
    original: f(f(f(Math.sqrt(alphaBarPrevious)) * beta) / left),
    current: f(f(f(Math.sqrt(alpha)) * leftPrevious) / left),
    beta,
    variance: Math.max(f(f(leftPrevious / left) * beta), 1e-20),
  };
}

/** Standard deviation of the noise to add: one number, or one per element where the model learned it. */
function spreadOf(
  type: VarianceType,
  { beta, variance }: Posterior,
  learned: Tensor | undefined,
): number | Float32Array {
  switch (type) {
    case 'fixed_small':
    case 'fixed_small_log':
      return Math.sqrt(variance);
    case 'fixed_large':
      return Math.sqrt(beta);
    case 'learned':
      return toFloat32(learned!).map(Math.sqrt);
    case 'learned_range': {
      const low = Math.log(variance);
      const high = Math.log(beta);
      return toFloat32(learned!).map((value) => Math.exp((((value + 1) / 2) * (high - low) + low) / 2));
    }
  }
}

function addSpread(mean: Tensor, spread: number | Float32Array, noise: Tensor): Tensor {
  if (typeof spread === 'number') return combine([1, mean], [spread, noise]);
  const values = toFloat32(noise);
  return float32(
    mean.shape,
    toFloat32(mean).map((value, i) => value + spread[i] * values[i]),
  );
}
