import { type Normalization, normalizations, type Reduction, reductions, type Terms } from '@secateur/core';
import * as v from 'valibot';

/** Options shared by the criteria that add up a term per weight. */
export interface AggregateOptions {
  /** How the scores a unit gets from its tensors become one. Default `mean`. */
  reduce: Reduction;
  /** How scores of a group are put on one scale. Default `mean`. */
  normalize: Normalization;
  /** `weights`: convolution and linear weights alone; `all`: biases and norm parameters too. Default `all`. */
  terms: Terms;
}

export const aggregateDefaults: AggregateOptions = { reduce: 'mean', normalize: 'mean', terms: 'all' };

/** Their validators, to be spread into a criterion's own. */
export const aggregateEntries: {
  readonly reduce: v.GenericSchema<Reduction | undefined, Reduction>;
  readonly normalize: v.GenericSchema<Normalization | undefined, Normalization>;
  readonly terms: v.GenericSchema<Terms | undefined, Terms>;
} = {
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
};
