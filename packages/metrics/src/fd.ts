import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { toFloat32 } from '@secateur/graph';
import { frechetWarning } from './bias-warnings.js';
import { frechetDistance, gaussianOf } from './frechet-distance.js';
import { createMoments, type Moments } from './linear-algebra/moments.js';

/**
 * Fréchet distance between normal distributions fitted to the features of two sets of pictures. Called FID with the one
 * Inception of 2015-12-05 alone, see `metricLabel`. Streams: memory for two covariances, however many pictures.
 */
export const fd: PluginFactory<Metric, object> = defineMetric<object>({
  name: 'fd',
  apiVersion: 1,
  summary: 'Fréchet distance between the features of two sets of pictures; biased upwards by few pictures.',
  defaults: {},
  higherIsBetter: false,
  subject: 'features',
  compares: 'sets',
  minimum: 2,
  start: ({ warn }): MetricState => {
    let actual: Moments | undefined;
    let reference: Moments | undefined;
    return {
      add(batch) {
        const dims = (batch.actual ?? batch.reference)!.shape[1];
        actual ??= createMoments(dims);
        reference ??= createMoments(dims);
        if (batch.actual) actual.add(toFloat32(batch.actual));
        if (batch.reference) reference.add(toFloat32(batch.reference));
      },
      finish() {
        const [a, b] = [actual!, reference!];
        const sides = [frechetWarning(a.count, a.dims, 'pictures'), frechetWarning(b.count, b.dims, 'real pictures')];
        for (const text of sides) if (text !== undefined) warn(text);
        return frechetDistance(a, gaussianOf(b));
      },
    };
  },
});
