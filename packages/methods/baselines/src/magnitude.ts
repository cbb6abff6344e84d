import { aggregate, type Criterion, defineCriterion, type PluginFactory, weights } from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { type AggregateOptions, aggregateDefaults, aggregateEntries } from './options.js';
import { everyKind } from './unit-kinds.js';

export interface MagnitudeOptions extends AggregateOptions {
  /** Norm order, p >= 1. Default 2. Orders 1 and 2 give the same bits on every machine; others use `Math.pow`. */
  p: number;
}

/**
 * Sum of |w|^p over everything a unit would remove, per tensor; then reduced over tensors and normalised over the group.
 * For elements: |w|.
 */
export const magnitude: PluginFactory<Criterion, MagnitudeOptions> = defineCriterion<MagnitudeOptions>({
  name: 'magnitude',
  apiVersion: 1,
  summary: 'Lp norm of everything a unit would remove.',
  defaults: { ...aggregateDefaults, p: 2 },
  options: toStandardJsonSchema(
    v.strictObject({
      ...aggregateEntries,
      p: v.optional(v.pipe(v.number(), v.minValue(1), v.description('Norm order')), 2),
    }),
  ),
  units: everyKind,
  needs: [weights()],
  score: (group, context) => {
    const power = powerOf(context.options.p);
    return aggregate(
      group,
      (slice) => {
        const data = context.weights(slice);
        return (element) => power(data[element]);
      },
      context.options,
    );
  },
  scoreTensor: (tensor) => tensor.weights.map(Math.abs),
  ranksByMagnitude: true,
});

/** |w|^p without `Math.pow` for the usual orders: its last bit is not the same on every machine. */
function powerOf(p: number): (weight: number) => number {
  if (p === 1) return Math.abs;
  if (p === 2) return (weight) => weight * weight;
  return (weight) => Math.abs(weight) ** p;
}
