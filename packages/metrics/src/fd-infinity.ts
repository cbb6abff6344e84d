import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { torchGenerator } from '@secateur/samplers';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { frechetWarning } from './bias-warnings.js';
import { breather } from './breather.js';
import { featureStores } from './feature-store.js';
import { frechetDistance, gaussianOf } from './frechet-distance.js';
import { createMoments } from './linear-algebra/moments.js';
import { gather } from './rows.js';

export interface FdInfinityOptions {
  /** Subset sizes that the line is fitted through, at least 2. Default 15. */
  points: number;
}

/**
 * Fréchet distance extrapolated to infinitely many pictures (Chong & Forsyth 2020): the distance of n pictures is very nearly
 * linear in 1/n, so it is taken for random subsets of `points` sizes from a tenth of the pictures up to all, and the fitted
 * line is read at 1/n = 0. An unbiased estimate may be negative. The real pictures stay as they are: all of them, every time.
 */
export const fdInfinity: PluginFactory<Metric, FdInfinityOptions> = defineMetric<FdInfinityOptions>({
  name: 'fd-infinity',
  apiVersion: 1,
  summary: 'Fréchet distance extrapolated to infinitely many pictures.',
  defaults: { points: 15 },
  options: toStandardJsonSchema(
    v.strictObject({
      points: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(2), v.description('subset sizes that the line is fitted through')),
        15,
      ),
    }),
  ),
  higherIsBetter: false,
  subject: 'features',
  compares: 'sets',
  // Half of them still have a covariance of full rank.
  minimum: (_, dims) => 2 * (dims + 1),
  start: ({ options, seed, signal, onProgress, warn }): MetricState => {
    const stores = featureStores('fd-infinity');
    return {
      add: stores.add,
      async finish() {
        const { actual, reference } = stores;
        const { count, dims } = actual;
        // A tenth, but always of full rank.
        const smallest = Math.max(Math.ceil(count / 10), dims + 1);
        const warning = frechetWarning(reference.count, dims, 'real pictures');
        if (warning !== undefined) warn(warning);
        const moments = createMoments(dims);
        moments.add(reference.rows());
        const real = gaussianOf(moments);
        const generator = torchGenerator(seed);
        const sizes = subsetSizes(smallest, count, options.points);
        const distances: number[] = [];
        const breathe = breather(signal);
        for (const size of sizes) {
          await breathe();
          const subset = createMoments(dims);
          subset.add(gather(actual.rows(), dims, generator.randperm(count).slice(0, size)));
          distances.push(frechetDistance(subset, real));
          onProgress?.({ phase: 'fd-infinity', done: distances.length, total: sizes.length, unit: 'subsets' });
        }
        const { slope, intercept } = fitLine(
          sizes.map((size) => 1 / size),
          distances,
        );
        const details = { slope, smallestSubset: smallest, subsets: sizes.length, fdOfAll: distances.at(-1)! };
        return { value: intercept, details };
      },
    };
  },
});

/** `points` whole numbers from `from` to `to`, evenly spread, rounded down. */
function subsetSizes(from: number, to: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => Math.floor(from + ((to - from) * i) / (points - 1)));
}

/** Least squares. */
function fitLine(x: readonly number[], y: readonly number[]): { slope: number; intercept: number } {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  let [above, below] = [0, 0];
  for (const [i, value] of x.entries()) {
    above += (value - mx) * (y[i] - my);
    below += (value - mx) ** 2;
  }
  const slope = above / below;
  return { slope, intercept: my - slope * mx };
}
