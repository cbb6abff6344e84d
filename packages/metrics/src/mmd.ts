import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { breather } from './breather.js';
import { featureStores } from './feature-store.js';
import { inDouble, innerProducts, squaredNorms } from './rows.js';

export interface MmdOptions {
  /** Width of the Gaussian kernel, above 0. Default 10. */
  sigma: number;
  /** Factor that makes the number readable, above 0. Default 1,000. */
  scale: number;
  /** Whether features are scaled to length 1 first, as CMMD does with CLIP's. Default true. */
  normalize: boolean;
  /** `biased`: the published one, sums over all pairs, never negative. `unbiased`: no pair of a picture with itself. */
  estimator: 'biased' | 'unbiased';
}

const above0 = (description: string) => v.pipe(v.number(), v.gtValue(0), v.maxValue(1e9), v.description(description));

/** Rows between two turns of the event loop. */
const ROWS_AT_ONCE = 256;

/**
 * Squared maximum mean discrepancy with a Gaussian kernel, as CMMD (Jayasumana et al. 2024) computes it from CLIP features:
 *
 *   scale · (mean k(x, x') + mean k(y, y') - 2 mean k(x, y)),   k(x, y) = exp(-|x - y|² / (2 sigma²)).
 *
 * It is CMMD with the features of CLIP ViT-L/14 at 336 pixels alone; with others it is a number of its own.
 */
export const mmd: PluginFactory<Metric, MmdOptions> = defineMetric<MmdOptions>({
  name: 'mmd',
  apiVersion: 1,
  summary: 'Maximum mean discrepancy with a Gaussian kernel between features, as CMMD.',
  defaults: { sigma: 10, scale: 1000, normalize: true, estimator: 'biased' },
  options: toStandardJsonSchema(
    v.strictObject({
      sigma: v.optional(above0('width of the Gaussian kernel'), 10),
      scale: v.optional(above0('factor of the result'), 1000),
      normalize: v.optional(v.pipe(v.boolean(), v.description('scale features to length 1 first')), true),
      estimator: v.optional(v.pipe(v.picklist(['biased', 'unbiased']), v.description('which estimator')), 'biased'),
    }),
  ),
  higherIsBetter: false,
  subject: 'features',
  compares: 'sets',
  minimum: 2,
  start: ({ options, signal, onProgress, warn }): MetricState => {
    const stores = featureStores('mmd');
    return {
      add: stores.add,
      async finish() {
        const { dims } = stores.actual;
        const [x, y] = [stores.actual, stores.reference].map((store) => {
          const rows = inDouble(store.rows());
          return options.normalize ? normalized(rows, dims) : rows;
        });
        const [m, n] = [stores.actual.count, stores.reference.count];
        const isBiased = options.estimator === 'biased';
        if (isBiased && Math.min(m, n) < 1000) {
          warn(
            `mmd of ${m} pictures and ${n} real ones by the biased estimator is too large by about 1/count: compare it only with others of that count, or choose estimator unbiased.`,
          );
        }
        const total = 2 * m + n;
        let done = 0;
        const breathe = breather(signal);
        const rowsDone = async (rows: number): Promise<void> => {
          done += rows;
          onProgress?.({ phase: 'mmd', done, total, unit: 'rows' });
          await breathe();
        };
        const kernel = { dims, factor: -1 / (2 * options.sigma ** 2), rowsDone };
        const within = async (side: Float64Array, count: number): Promise<number> => {
          const sum = 2 * (await kernelSum(side, side, true, kernel));
          return isBiased ? (sum + count) / count ** 2 : sum / (count * (count - 1));
        };
        const cross = (await kernelSum(x, y, false, kernel)) / (m * n);
        return options.scale * ((await within(x, m)) + (await within(y, n)) - 2 * cross);
      },
    };
  },
});

interface Kernel {
  readonly dims: number;
  /** `-1 / (2 sigma²)` */
  readonly factor: number;
  rowsDone(rows: number): Promise<void>;
}

/** Sum of the kernel over all pairs, or over the pairs `j < i` of one side. */
async function kernelSum(x: Float64Array, y: Float64Array, below: boolean, kernel: Kernel): Promise<number> {
  const { dims, factor, rowsDone } = kernel;
  const [xNorms, yNorms] = [squaredNorms(x, dims), squaredNorms(y, dims)];
  const products = new Float64Array(yNorms.length);
  let total = 0;
  for (let i = 0; i < xNorms.length; i++) {
    const to = below ? i : yNorms.length;
    innerProducts(x, i, y, to, dims, products);
    for (let j = 0; j < to; j++) {
      total += Math.exp(factor * Math.max(0, xNorms[i] + yNorms[j] - 2 * products[j]));
    }
    if ((i + 1) % ROWS_AT_ONCE === 0) await rowsDone(ROWS_AT_ONCE);
  }
  await rowsDone(xNorms.length % ROWS_AT_ONCE);
  return total;
}

/** Rows of length 1; rows of zeros stay. */
function normalized(rows: Float64Array, dims: number): Float64Array {
  const norms = squaredNorms(rows, dims);
  return rows.map((value, i) => {
    const norm = norms[Math.floor(i / dims)];
    return norm === 0 ? value : value / Math.sqrt(norm);
  });
}
