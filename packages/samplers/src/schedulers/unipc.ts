import { SecateurError, type Tensor } from '@secateur/graph';
import { dynamicThreshold } from '../clipping.js';
import { combine } from '../combine.js';
import {
  choiceField,
  type Field,
  flagField,
  numberField,
  numbersField,
  offField,
  optionalField,
  type Values,
} from '../config-fields.js';
import { straightFlow, variancePreserving } from '../noise-process.js';
import { noiseFrom, originalFrom } from '../prediction.js';
import type { SamplerState } from '../sampler.js';
import { defineScheduler, type Scheduler, type Steps } from '../scheduler.js';
import { checkSteps } from '../timestep-spacing.js';
import { type LogSnr, logSnrOf } from './log-snr.js';
import { type MultistepFields, multistepFields } from './multistep-fields.js';
import { type SigmaSchedule, sigmaAlphas } from './sigma-schedule.js';
import { unipcSchedule } from './unipc-schedule.js';
import { correct, type Past, predict, type Solver } from './unipc-weights.js';

type UnipcFields = MultistepFields & {
  predict_x0: Field<boolean>;
  solver_type: Field<'bh1' | 'bh2' | 'midpoint' | 'heun' | 'logrho'>;
  disable_corrector: Field<readonly number[]>;
  solver_p: Field<boolean | null>;
  sigma_min: Field<number | null>;
  sigma_max: Field<number | null>;
  shift_terminal: Field<boolean | null>;
};

const fields: UnipcFields = {
  ...multistepFields,
  predict_x0: flagField(true),
  // Names of other packages' solvers count as bh2, as in diffusers.
  solver_type: choiceField('bh2', ['bh1', 'bh2', 'midpoint', 'heun', 'logrho']),
  disable_corrector: numbersField(0, 100_000),
  solver_p: offField(null),
  sigma_min: optionalField(numberField(0, 0, Number.MAX_VALUE)),
  sigma_max: optionalField(numberField(0, 0, Number.MAX_VALUE)),
  shift_terminal: offField(null),
};

export type UnipcConfig = Values<UnipcFields>;

/**
 * Unified predictor and corrector (Zhao et al., 2302.04867), of order 1 to 3: each call of the model first corrects the
 * sample it was given, then predicts the next.
 *
 * State: `output1`..`output3`, what the last calls predicted (x0 or noise), newest first; `sample`, from where the last
 * prediction started.
 */
export const unipc: Scheduler = defineScheduler({
  className: 'UniPCMultistepScheduler',
  fields,
  create: (config) => {
    const alphas = sigmaAlphas(config, config.rescale_betas_zero_snr);
    if (!config.predict_x0 && config.prediction_type === 'flow_prediction') {
      throw new SecateurError('BAD_CONFIG', 'flow_prediction needs predict_x0.', { field: 'predict_x0' });
    }
    return {
      process: config.use_flow_sigmas ? straightFlow(config.num_train_timesteps) : variancePreserving(alphas),
      prediction: config.prediction_type,
      plan: (steps, { skip = 0 }) => {
        checkSteps(steps, config.num_train_timesteps - 1);
        return stepsOf(config, unipcSchedule(config, alphas, steps), skip);
      },
    };
  },
});

function stepsOf(config: UnipcConfig, { timesteps, sigmas }: SigmaSchedule, skip: number): Steps {
  const points = Array.from(sigmas, (sigma) => logSnrOf(sigma, config.use_flow_sigmas));
  const solver: Solver = { predictsOriginal: config.predict_x0, isBh1: config.solver_type === 'bh1' };
  const orderAt = (index: number): number =>
    Math.min(
      config.solver_order,
      index - skip + 1,
      config.lower_order_final ? timesteps.length - index : config.solver_order,
    );
  const corrects = (index: number): boolean => index > skip && !config.disable_corrector.includes(index - 1);
  const pastAt = (index: number, state: SamplerState, count: number): Past[] =>
    outputsOf(state)
      .slice(0, count)
      .map((output, i) => ({ output, point: points[index - 1 - i] }));
  return {
    timesteps,
    noised: (index, clean, noise) => combine([points[index].alpha, clean], [points[index].sigma, noise]),
    needs: (index) => {
      const count = Math.max(orderAt(index) - 1, corrects(index) ? orderAt(index - 1) : 0);
      const outputs = ['output1', 'output2', 'output3'].slice(0, count);
      return corrects(index) ? [...outputs, 'sample'] : outputs;
    },
    step: ({ output, sample, index, state }) => {
      const here = points[index];
      const { predicted, x0 } = converted(config, output, sample, here);
      const start = corrects(index)
        ? correct(solver, pastAt(index, state, orderAt(index - 1)), { output: predicted, point: here }, state.sample)
        : sample;
      const past = [{ output: predicted, point: here }, ...pastAt(index, state, orderAt(index) - 1)];
      return {
        sample: predict(solver, past, points[index + 1], start),
        predictedOriginal: x0,
        state: { ...asState([predicted, ...outputsOf(state)]), sample: start },
      };
    },
  };
}

function converted(
  config: UnipcConfig,
  output: Tensor,
  sample: Tensor,
  level: LogSnr,
): { predicted: Tensor; x0: Tensor } {
  const full = originalFrom(config.prediction_type, output, sample, level);
  const x0 = config.thresholding ? dynamicThreshold(full, config) : full;
  return { x0, predicted: config.predict_x0 ? x0 : noiseFrom(config.prediction_type, output, sample, level) };
}

function outputsOf(state: SamplerState): Tensor[] {
  return [state.output1, state.output2, state.output3].filter((tensor) => tensor !== undefined);
}

function asState(outputs: readonly Tensor[]): SamplerState {
  return Object.fromEntries(outputs.slice(0, 3).map((tensor, i) => [`output${i + 1}`, tensor]));
}
