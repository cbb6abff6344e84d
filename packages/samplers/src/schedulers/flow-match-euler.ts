import { SecateurError } from '@secateur/graph';
import { combine } from '../combine.js';
import { choiceField, flagField, numberField, optionalField, type Values, wholeField } from '../config-fields.js';
import { straightFlow } from '../noise-process.js';
import { defineScheduler, type Scheduler } from '../scheduler.js';
import { respacedSigmas, shiftSigma, sigmaSpacingFields } from '../sigmas.js';
import { checkSteps, evenly } from '../timestep-spacing.js';

const fields = {
  num_train_timesteps: wholeField(1000, 1, 100_000),
  shift: numberField(1, 0, 1000),
  use_dynamic_shifting: flagField(false),
  // These five say how a pipeline finds `mu` from the picture's size; the sampler is given `mu`.
  base_shift: optionalField(numberField(0.5, -100, 100)),
  max_shift: optionalField(numberField(1.15, -100, 100)),
  base_image_seq_len: optionalField(wholeField(256, 1, 1_000_000)),
  max_image_seq_len: optionalField(wholeField(4096, 1, 1_000_000)),
  time_shift_type: choiceField('exponential', ['exponential', 'linear']),
  invert_sigmas: flagField(false),
  shift_terminal: optionalField(numberField(0, 0, 1)),
  ...sigmaSpacingFields,
  stochastic_sampling: flagField(false),
};

type FlowConfig = Values<typeof fields>;

/** Euler steps along flow matching's straight lines (Lipman et al., 2210.02747; shift of Esser et al., 2403.03206). */
export const flowMatchEuler: Scheduler = defineScheduler({
  className: 'FlowMatchEulerDiscreteScheduler',
  options: ['mu', 'sigmas'],
  fields,
  create: (config) => ({
    process: straightFlow(config.num_train_timesteps),
    prediction: 'flow_prediction',
    plan: (steps, { mu, sigmas: given }) => {
      checkSteps(steps, config.num_train_timesteps);
      checkSigmas(steps, given);
      const noise = sigmasFor(config, steps, mu, given).map(Math.fround);
      const sigmas = config.invert_sigmas ? noise.map((sigma) => Math.fround(1 - sigma)) : noise;
      const timesteps = sigmas.map((sigma) => Math.fround(sigma * config.num_train_timesteps));
      const points = [...sigmas, config.invert_sigmas ? 1 : 0];
      return {
        timesteps,
        drawsNoise: () => config.stochastic_sampling,
        step: ({ output, sample, index, noise: draw }) => {
          const here = points[index];
          const next = points[index + 1];
          const x0 = combine([1, sample], [-here, output]);
          return {
            sample: config.stochastic_sampling
              ? combine([1 - next, x0], [next, draw()])
              : combine([1, sample], [next - here, output]),
            predictedOriginal: x0,
          };
        },
      };
    },
  }),
});

function checkSigmas(steps: number, given: readonly number[] | undefined): void {
  if (!given || (given.length === steps && given.every((sigma) => sigma > 0 && sigma <= 1))) return;
  throw new SecateurError('BAD_OPTION', `sigmas are ${given.length}; they must be ${steps} numbers in (0, 1].`, {
    field: 'sigmas',
  });
}

function sigmasFor(
  config: FlowConfig,
  steps: number,
  mu: number | undefined,
  given: readonly number[] | undefined,
): number[] {
  const { num_train_timesteps: count, use_dynamic_shifting: isDynamic } = config;
  if (isDynamic && mu === undefined) {
    throw new SecateurError('BAD_OPTION', 'use_dynamic_shifting is on, and mu was not given.', { field: 'mu' });
  }
  // With a fixed shift the range's ends are shifted before the spacing and all of it once more after, as in diffusers.
  const ends = [1, 1 / count].map((sigma) =>
    Math.fround(isDynamic ? sigma : shiftSigma(Math.fround(sigma), config.shift)),
  );
  const even = given ?? evenly(ends[0] * count, ends[1] * count, steps).map((timestep) => timestep / count);
  const shifted = even.map((sigma) => (isDynamic ? timeShift(config, mu!, sigma) : shiftSigma(sigma, config.shift)));
  const stretched = config.shift_terminal ? stretchTo(shifted, config.shift_terminal) : shifted;
  return respacedSigmas(config, stretched[0], stretched[steps - 1], steps) ?? stretched;
}

function timeShift(config: FlowConfig, mu: number, sigma: number): number {
  const weight = config.time_shift_type === 'linear' ? mu : Math.exp(mu);
  return weight / (weight + (1 / sigma - 1));
}

/** Stretches the sequence so that its last value is `terminal`. */
function stretchTo(sigmas: readonly number[], terminal: number): number[] {
  const scale = (1 - sigmas[sigmas.length - 1]) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
}
