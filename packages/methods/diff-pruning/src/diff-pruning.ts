import {
  aggregate,
  type Criterion,
  channels,
  defineCriterion,
  defineMethod,
  globalRanking,
  gradients,
  isomorphicRanking,
  localRanking,
  type Method,
  type Normalization,
  normalizations,
  type PluginFactory,
  pipelineSteps,
  type Reduction,
  reductions,
  type Selector,
  type Terms,
  weights,
} from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';

/** When the sweep over timesteps ends. */
export type StopOrder = 'backward-first' | 'test-first';

export interface DiffPruningScoreOptions {
  /**
   * The sweep stops at the first timestep whose loss falls below this share of the largest loss so far, L_t/L_max. In
   * [0, 1]; 0 visits all timesteps. Default 0.05 (the paper's value for CIFAR-10).
   */
  threshold: number;
  /**
   * Whether the gradient of the timestep that ends the sweep still counts: `backward-first` as in the paper's diffusers
   * script, `test-first` as in its experiment and latent-diffusion scripts. Default `backward-first`.
   */
  stopOrder: StopOrder;
  /** How the scores a unit gets from its tensors become one. Default `mean`. */
  reduce: Reduction;
  /** How scores of a group are put on one scale. Default `mean`. */
  normalize: Normalization;
  /** `weights`: convolution and linear weights alone; `all`: biases and norm parameters too. Default `all`. */
  terms: Terms;
}

export interface DiffPruningOptions extends DiffPruningScoreOptions {
  /** How units are ranked. Default `local`: the same ratio in every layer, as the paper does. */
  selector: 'local' | 'global' | 'isomorphic';
  /**
   * Timesteps mixed into one run of the gradient graph: the same sums in fewer, larger runs. Default 1, as the paper does.
   */
  timestepsPerRun: number;
}

const scoreDefaults: DiffPruningScoreOptions = {
  threshold: 0.05,
  stopOrder: 'backward-first',
  reduce: 'mean',
  normalize: 'mean',
  terms: 'all',
};

const scoreEntries = {
  threshold: v.optional(
    v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description('Stop where L_t/L_max falls below this')),
    scoreDefaults.threshold,
  ),
  stopOrder: v.optional(
    v.pipe(
      v.picklist(['backward-first', 'test-first'] as const),
      v.description('Whether the timestep that ends the sweep still counts'),
    ),
    scoreDefaults.stopOrder,
  ),
  reduce: v.optional(
    v.pipe(v.picklist(reductions), v.description('How the scores of a unit’s tensors become one')),
    'mean',
  ),
  normalize: v.optional(
    v.pipe(v.picklist(normalizations), v.description('How scores of a group are put on one scale')),
    'mean',
  ),
  terms: v.optional(
    v.pipe(v.picklist(['weights', 'all'] as const), v.description('Weights alone, or biases and norm parameters too')),
    'all',
  ),
} as const;

/**
 * Diff-Pruning's score (Fang et al., arXiv 2305.10924, eq. 5–7 in the reading of the released code):
 *
 *   I(θ_i) = | θ_i · Σ_t keep_t · ∂L_t/∂θ_i |,   keep_t = 1 while L_t / L_max > threshold
 *
 * Gradients are summed over timesteps with their sign; the absolute value is taken per weight; a unit's score adds up its
 * weights per tensor. The sweep goes from t = 0 upwards with one batch and one noise tensor. Departure: norm and bias
 * parameters count as well (`terms: 'weights'` leaves them out, as the released code does).
 */
export const diffPruningScore: PluginFactory<Criterion, DiffPruningScoreOptions> =
  defineCriterion<DiffPruningScoreOptions>({
    name: 'diff-pruning-score',
    apiVersion: 1,
    summary: 'Taylor importance over the timesteps whose loss is above a threshold.',
    defaults: scoreDefaults,
    options: toStandardJsonSchema(v.strictObject(scoreEntries)),
    units: ['channel', 'neuron', 'head', 'head-dim'],
    needs: ({ threshold, stopOrder }) => [
      weights(),
      gradients({ accumulate: 'sum', stop: { threshold, order: stopOrder } }),
    ],
    score: (group, context) =>
      aggregate(
        group,
        (slice) => {
          const w = context.weights(slice);
          const g = context.gradients(slice);
          return (element) => Math.abs(w[element] * g[element]);
        },
        context.options,
      ),
    scoreTensor: (tensor, context) => {
      const g = context.gradients();
      return tensor.weights.map((weight, element) => Math.abs(weight * g[element]));
    },
  });

/** Diff-Pruning: its score, the same ratio in every layer, norm groups as the paper's code treats them. */
export const diffPruning: PluginFactory<Method, DiffPruningOptions> = defineMethod<DiffPruningOptions>({
  name: 'diff-pruning',
  apiVersion: 1,
  summary: 'Structural pruning of diffusion models by thresholded Taylor importance.',
  paper: 'Structural Pruning for Diffusion Models, arXiv 2305.10924',
  defaults: { ...scoreDefaults, selector: 'local', timestepsPerRun: 1 },
  options: toStandardJsonSchema(
    v.strictObject({
      ...scoreEntries,
      selector: v.optional(
        v.pipe(v.picklist(['local', 'global', 'isomorphic'] as const), v.description('How units are ranked')),
        'local',
      ),
      timestepsPerRun: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64), v.description('Timesteps mixed into one run')),
        1,
      ),
    }),
  ),
  steps: (context) => {
    const { selector, timestepsPerRun, ...score } = context.options;
    return pipelineSteps(context, {
      criterion: diffPruningScore(score),
      selector: selectorNamed(selector),
      space: channels,
      normGroups: 'paper',
      timestepsPerRun,
    });
  },
});

function selectorNamed(name: DiffPruningOptions['selector']): Selector {
  if (name === 'global') return globalRanking();
  return name === 'isomorphic' ? isomorphicRanking() : localRanking();
}
