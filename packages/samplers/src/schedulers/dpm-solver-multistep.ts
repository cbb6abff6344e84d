import { SecateurError, type Tensor } from '@secateur/graph';
import { dynamicThreshold } from '../clipping.js';
import { combine, type Term } from '../combine.js';
import { choiceField, type Field, flagField, numberField, optionalField, type Values } from '../config-fields.js';
import { straightFlow, variancePreserving } from '../noise-process.js';
import { noiseFrom, originalFrom } from '../prediction.js';
import { type CheckedStep, defineScheduler, type Scheduler, type Steps } from '../scheduler.js';
import { checkSteps } from '../timestep-spacing.js';
import { dpmSchedule } from './dpm-schedule.js';
import { type Algorithm, dpmWeights } from './dpm-weights.js';
import { logSnrOf } from './log-snr.js';
import { type MultistepFields, multistepFields } from './multistep-fields.js';
import { type SigmaSchedule, sigmaAlphas } from './sigma-schedule.js';

const algorithms: readonly Algorithm[] = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'];

type DpmFields = MultistepFields & {
  algorithm_type: Field<Algorithm | 'deis'>;
  solver_type: Field<'midpoint' | 'heun' | 'logrho' | 'bh1' | 'bh2'>;
  euler_at_final: Field<boolean>;
  use_lu_lambdas: Field<boolean>;
  lambda_min_clipped: Field<number>;
  variance_type: Field<string | null>;
};

const fields: DpmFields = {
  ...multistepFields,
  // `deis` and the other packages' solver types count as the nearest there is, as in diffusers.
  algorithm_type: choiceField('dpmsolver++', [...algorithms, 'deis']),
  solver_type: choiceField('midpoint', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2']),
  euler_at_final: flagField(false),
  use_lu_lambdas: flagField(false),
  lambda_min_clipped: numberField(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE),
  // Learned variances are cut off by the output's shape; DDPM's fixed ones mean there are none.
  variance_type: optionalField(
    choiceField<string>('learned', ['learned', 'learned_range', 'fixed_small', 'fixed_small_log', 'fixed_large']),
  ),
};

export type DpmConfig = Values<DpmFields>;

/**
 * DPM-Solver and DPM-Solver++ (Lu et al., 2206.00927 and 2211.01095), multistep, of order 1 to 3, deterministic or (`sde-`)
 * with noise.
 *
 * State: `output1`, `output2`: what the last calls predicted (x0 for `++`, noise otherwise), newest first.
 */
export const dpmSolverMultistep: Scheduler = defineScheduler({
  className: 'DPMSolverMultistepScheduler',
  fields,
  create: (config) => {
    const algorithm = config.algorithm_type === 'deis' ? 'dpmsolver++' : config.algorithm_type;
    refuseBadMix(config, algorithm);
    const alphas = sigmaAlphas(config, config.rescale_betas_zero_snr);
    return {
      process: config.use_flow_sigmas ? straightFlow(config.num_train_timesteps) : variancePreserving(alphas),
      prediction: config.prediction_type,
      plan: (steps, { skip = 0 }) => {
        checkSteps(steps, config.num_train_timesteps - 1);
        return stepsOf(config, algorithm, dpmSchedule(config, alphas, steps), skip);
      },
    };
  },
});

function stepsOf(config: DpmConfig, algorithm: Algorithm, { timesteps, sigmas }: SigmaSchedule, skip: number): Steps {
  const isStochastic = algorithm.startsWith('sde-');
  const orderAt = (index: number): number => orderOf(config, timesteps.length, index, skip);
  const points = Array.from(sigmas, (sigma) => logSnrOf(sigma, config.use_flow_sigmas));
  return {
    timesteps,
    noised: (index, clean, noise) => combine([points[index].alpha, clean], [points[index].sigma, noise]),
    drawsNoise: () => isStochastic,
    needs: (index) => ['output1', 'output2'].slice(0, orderAt(index) - 1),
    step: (input) => {
      const { sample, index, state } = input;
      const x0 = originalOf(config, input, points[index]);
      const output = algorithm.endsWith('++') ? x0 : noiseOf(config, input, x0, points[index]);
      const outputs = [output, state.output1, state.output2].slice(0, orderAt(index));
      const around = points.slice(index - outputs.length + 1, index + 2).reverse();
      const weights = dpmWeights(algorithm, config.solver_type === 'heun', around);
      const terms = outputs.map((tensor, i): Term => [weights.outputs[i], tensor]);
      if (isStochastic) terms.push([weights.noise, input.noise()]);
      return {
        sample: combine([weights.sample, sample], ...terms),
        predictedOriginal: x0,
        state: { output1: output, ...(state.output1 && { output2: state.output1 }) },
      };
    },
  };
}

/** Low orders at the start, where there is no history yet, and at the end of short plans. */
function orderOf(config: DpmConfig, count: number, index: number, skip: number): number {
  const { lower_order_final: isLowered, euler_at_final: isEuler, final_sigmas_type: end } = config;
  const isShort = isLowered && count < 15;
  const fromEnd = count - index;
  const limit = fromEnd === 1 && (isEuler || isShort || end === 'zero') ? 1 : fromEnd === 2 && isShort ? 2 : 3;
  return Math.min(config.solver_order, index - skip + 1, limit);
}

function originalOf(
  config: DpmConfig,
  { output, sample }: CheckedStep,
  level: { alpha: number; sigma: number },
): Tensor {
  const x0 = originalFrom(config.prediction_type, output, sample, level);
  return config.thresholding ? dynamicThreshold(x0, config) : x0;
}

function noiseOf(
  config: DpmConfig,
  { output, sample }: CheckedStep,
  x0: Tensor,
  level: { alpha: number; sigma: number },
): Tensor {
  return config.thresholding
    ? noiseFrom('sample', x0, sample, level)
    : noiseFrom(config.prediction_type, output, sample, level);
}

function refuseBadMix(config: DpmConfig, algorithm: Algorithm): void {
  const predictsNoise = !algorithm.endsWith('++');
  if (predictsNoise && config.final_sigmas_type === 'zero') {
    throw new SecateurError('BAD_CONFIG', `algorithm_type ${algorithm} cannot end at a sigma of zero.`, {
      field: 'final_sigmas_type',
      hint: 'Set final_sigmas_type to sigma_min.',
    });
  }
  if (algorithm === 'sde-dpmsolver' && config.solver_order === 3) {
    throw new SecateurError('BAD_CONFIG', 'solver_order is 3; sde-dpmsolver has orders 1 and 2.', {
      field: 'solver_order',
    });
  }
  if (predictsNoise && config.prediction_type === 'flow_prediction') {
    throw new SecateurError('BAD_CONFIG', `algorithm_type ${algorithm} does not take flow_prediction.`, {
      field: 'prediction_type',
      hint: 'Set algorithm_type to dpmsolver++.',
    });
  }
}
