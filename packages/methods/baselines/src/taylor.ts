import {
  aggregate,
  type Criterion,
  combine,
  defineCriterion,
  gradients,
  type PluginFactory,
  slicesOf,
  sumPerUnit,
  weights,
} from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { type AggregateOptions, aggregateDefaults, aggregateEntries } from './options.js';
import { everyKind } from './unit-kinds.js';

export interface TaylorOptions extends AggregateOptions {
  /**
   * With `w` a weight, `g` its gradient summed over all timesteps with sign, per tensor and unit:
   * - `abs-sum`: |Σ w·g| (the change of the loss when the unit goes, to first order)
   * - `sum-abs`: Σ |w·g|
   * - `squared`: Σ (w·g)²
   *
   * Default `abs-sum`.
   */
  form: 'abs-sum' | 'sum-abs' | 'squared';
}

/** First-order Taylor importance over all timesteps (Molchanov et al., arXiv 1906.10771, in its three usual forms). */
export const taylor: PluginFactory<Criterion, TaylorOptions> = defineCriterion<TaylorOptions>({
  name: 'taylor',
  apiVersion: 1,
  summary: 'First-order change of the denoising loss, over all timesteps.',
  defaults: { ...aggregateDefaults, form: 'abs-sum' },
  options: toStandardJsonSchema(
    v.strictObject({
      ...aggregateEntries,
      form: v.optional(
        v.pipe(v.picklist(['abs-sum', 'sum-abs', 'squared'] as const), v.description('|Σ w·g|, Σ |w·g| or Σ (w·g)²')),
        'abs-sum',
      ),
    }),
  ),
  units: everyKind,
  needs: [weights(), gradients({ accumulate: 'sum' })],
  score: (group, context) => {
    const { form, reduce, normalize, terms } = context.options;
    const product = (slice: Parameters<typeof context.weights>[0]) => {
      const w = context.weights(slice);
      const g = context.gradients(slice);
      return (element: number) => w[element] * g[element];
    };
    if (form === 'abs-sum') {
      const parts = slicesOf(group, terms).map((slice) => sumPerUnit(slice, group.size, product(slice)).map(Math.abs));
      return combine(parts, reduce, normalize);
    }
    return aggregate(
      group,
      (slice) => {
        const termOf = product(slice);
        return form === 'sum-abs' ? (element) => Math.abs(termOf(element)) : (element) => termOf(element) ** 2;
      },
      { reduce, normalize, terms },
    );
  },
  scoreTensor: (tensor, context) => {
    const g = context.gradients();
    return tensor.weights.map((weight, element) => Math.abs(weight * g[element]));
  },
});
