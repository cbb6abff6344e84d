import { aggregate, type Criterion, defineCriterion, gradients, type PluginFactory, weights } from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { type AggregateOptions, aggregateDefaults, aggregateEntries } from './options.js';
import { everyKind } from './unit-kinds.js';

/**
 * Second-order saliency with the diagonal of the empirical Fisher for the Hessian:
 *
 *   s = ½ Σ_i w_i² Σ_n g_{n,i}²      (LeCun et al., Optimal Brain Damage)
 *
 * where `n` runs over single samples at single timesteps: gradients are squared one by one, then added.
 */
export const obd: PluginFactory<Criterion, AggregateOptions> = defineCriterion<AggregateOptions>({
  name: 'obd',
  apiVersion: 1,
  summary: 'Second-order saliency with squared gradients of single samples.',
  defaults: aggregateDefaults,
  options: toStandardJsonSchema(v.strictObject(aggregateEntries)),
  units: everyKind,
  needs: [weights(), gradients({ accumulate: 'sum-squares' })],
  score: (group, context) =>
    aggregate(
      group,
      (slice) => {
        const w = context.weights(slice);
        const fisher = context.gradients(slice);
        return (element) => 0.5 * w[element] * w[element] * fisher[element];
      },
      context.options,
    ),
  scoreTensor: (tensor, context) => {
    const fisher = context.gradients();
    return tensor.weights.map((weight, element) => 0.5 * weight * weight * fisher[element]);
  },
});
