import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { torchGenerator } from '@secateur/samplers';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { breather } from './breather.js';
import { featureStores } from './feature-store.js';
import { gather, innerProducts } from './rows.js';

/** Pictures in a subset, where there are enough, and below which the spread of a subset is large. */
const USUAL_SUBSET = 1000;

export interface KidOptions {
  /** How many random subsets the estimate is averaged over. Default 100. */
  subsets: number;
  /** Pictures of each side in a subset, at most as many as there are. Default 0: 1,000, or half of the smaller side. */
  subsetSize: number;
  /** Degree of the polynomial kernel. Default 3. */
  degree: number;
}

const whole = (least: number, description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.description(description));

/**
 * Kernel distance of Bińkowski et al. 2018 (KID): the squared maximum mean discrepancy with the kernel
 * `k(x, y) = (x·y / dims + 1)^degree`, by the unbiased estimator
 *
 *   Σ_{i≠j} k(x_i, x_j) / (m (m-1))  +  Σ_{i≠j} k(y_i, y_j) / (m (m-1))  -  2 Σ_{i,j} k(x_i, y_j) / m²,
 *
 * averaged over subsets drawn without replacement. Its expectation does not depend on the number of pictures; values near
 * zero may be negative. `spread` is the standard deviation over subsets. Subsets are drawn as torch draws them: real ones
 * first, then the others, `randperm` each.
 */
export const kid: PluginFactory<Metric, KidOptions> = defineMetric<KidOptions>({
  name: 'kid',
  apiVersion: 1,
  summary: 'Kernel distance between the features of two sets of pictures; unbiased, also with few.',
  defaults: { subsets: 100, subsetSize: 0, degree: 3 },
  options: toStandardJsonSchema(
    v.strictObject({
      subsets: v.optional(whole(1, 'random subsets that are averaged over'), 100),
      subsetSize: v.optional(whole(0, 'pictures in a subset; 0: 1,000, or half of the smaller side'), 0),
      degree: v.optional(whole(1, 'degree of the polynomial kernel'), 3),
    }),
  ),
  higherIsBetter: false,
  subject: 'features',
  compares: 'sets',
  minimum: 4,
  start: ({ options, seed, signal, onProgress, warn }): MetricState => {
    const stores = featureStores('kid');
    return {
      add: stores.add,
      async finish() {
        const { actual, reference } = stores;
        const { dims } = actual;
        const smaller = Math.min(actual.count, reference.count);
        const wanted = options.subsetSize === 0 ? Math.min(USUAL_SUBSET, Math.floor(smaller / 2)) : options.subsetSize;
        const size = Math.max(2, Math.min(wanted, smaller));
        // A subset of all pictures on both sides is always the same one.
        const isWhole = size === actual.count && size === reference.count;
        const subsets = isWhole ? 1 : options.subsets;
        if (size < options.subsetSize)
          warn(`kid: subsets of ${size} pictures, all there are, not ${options.subsetSize}.`);
        if (smaller < USUAL_SUBSET) {
          warn(
            `kid of ${actual.count} pictures and ${reference.count} real ones is unbiased but noisy: look at its spread, and take ${USUAL_SUBSET} or more to quote it.`,
          );
        }
        const generator = torchGenerator(seed);
        const values: number[] = [];
        const breathe = breather(signal);
        for (let subset = 0; subset < subsets; subset++) {
          await breathe();
          const y = gather(reference.rows(), dims, generator.randperm(reference.count).slice(0, size));
          const x = gather(actual.rows(), dims, generator.randperm(actual.count).slice(0, size));
          values.push(unbiasedDiscrepancy(x, y, size, dims, options.degree));
          onProgress?.({ phase: 'kid', done: subset + 1, total: subsets, unit: 'subsets' });
        }
        const mean = values.reduce((sum, value) => sum + value, 0) / subsets;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / subsets;
        const details = { subsets, subsetSize: size };
        return isWhole ? { value: mean, details } : { value: mean, spread: Math.sqrt(variance), details };
      },
    };
  },
});

function unbiasedDiscrepancy(x: Float64Array, y: Float64Array, size: number, dims: number, degree: number): number {
  const within = (side: Float64Array) => (2 * kernelSum(side, side, size, dims, degree, true)) / (size * (size - 1));
  return within(x) + within(y) - (2 * kernelSum(x, y, size, dims, degree, false)) / size ** 2;
}

/** Sum of the kernel over all pairs, or over the pairs `j < i` of one side. */
function kernelSum(
  x: Float64Array,
  y: Float64Array,
  size: number,
  dims: number,
  degree: number,
  below: boolean,
): number {
  const products = new Float64Array(size);
  let total = 0;
  for (let i = 0; i < size; i++) {
    const to = below ? i : size;
    innerProducts(x, i, y, to, dims, products);
    for (let j = 0; j < to; j++) {
      const base = products[j] / dims + 1;
      // Not `**`, whose last bit is not the same on every machine.
      let power = base;
      for (let k = 1; k < degree; k++) power *= base;
      total += power;
    }
  }
  return total;
}
