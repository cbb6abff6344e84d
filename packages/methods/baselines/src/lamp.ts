import {
  aggregate,
  type Criterion,
  defineCriterion,
  lamp as lampScores,
  type PluginFactory,
  weights,
} from '@secateur/core';
import { widthKinds } from './unit-kinds.js';

/**
 * Layer-adaptive magnitude: w² over the sum of all w² in the same tensor (for units: the same group) that are not smaller
 * (Lee et al., arXiv 2010.07611, eq. 3). Made for global ranking.
 */
export const lamp: PluginFactory<Criterion, object> = defineCriterion<object>({
  name: 'lamp',
  apiVersion: 1,
  summary: 'Layer-adaptive magnitude, made for global ranking.',
  defaults: {},
  units: widthKinds,
  needs: [weights()],
  score: (group, context) =>
    aggregate(
      group,
      (slice) => {
        const data = context.weights(slice);
        return (element) => data[element] * data[element];
      },
      { reduce: 'sum', normalize: 'lamp', terms: 'all' },
    ),
  scoreTensor: (tensor) =>
    Float32Array.from(lampScores(Float64Array.from(tensor.weights, (weight) => weight * weight))),
});
