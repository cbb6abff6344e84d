import {
  defineMetric,
  type Metric,
  type MetricContext,
  type MetricState,
  type OptionSchema,
  type PluginFactory,
} from '@secateur/core';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { breather } from './breather.js';
import { featureStores } from './feature-store.js';
import { inDouble, innerProducts, squaredNorms } from './rows.js';

export interface NeighbourOptions {
  /** A picture's ball reaches to its k-th nearest neighbour, k >= 1. Default 3. */
  k: number;
}

const defaults: NeighbourOptions = { k: 3 };
const options: OptionSchema<NeighbourOptions> = toStandardJsonSchema(
  v.strictObject({
    k: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.description('neighbour that a ball reaches to')), 3),
  }),
);

/** Rows between two turns of the event loop. */
const ROWS_AT_ONCE = 256;
/** Below this the balls are so few that the numbers say little. */
const FEW = 1000;

/**
 * Improved precision (Kynkäänniemi et al. 2019): the share of pictures that lie in the ball of any real picture, a ball
 * reaching to its picture's k-th nearest neighbour among the real ones. How lifelike pictures are.
 */
export const precision: PluginFactory<Metric, NeighbourOptions> = defineMetric<NeighbourOptions>({
  name: 'precision',
  apiVersion: 1,
  summary: 'Share of pictures within the real ones’ k-nearest-neighbour manifold.',
  defaults,
  options,
  higherIsBetter: true,
  subject: 'features',
  compares: 'sets',
  minimum: ({ k }) => k + 1,
  start: (context) => coverage('precision', context, ({ actual, reference }) => ({ points: actual, balls: reference })),
});

/** Improved recall: the share of real pictures that lie in the ball of any picture. How much of the variety there is. */
export const recall: PluginFactory<Metric, NeighbourOptions> = defineMetric<NeighbourOptions>({
  name: 'recall',
  apiVersion: 1,
  summary: 'Share of real pictures within the pictures’ k-nearest-neighbour manifold.',
  defaults,
  options,
  higherIsBetter: true,
  subject: 'features',
  compares: 'sets',
  minimum: ({ k }) => k + 1,
  start: (context) => coverage('recall', context, ({ actual, reference }) => ({ points: reference, balls: actual })),
});

interface Sides<T> {
  readonly actual: T;
  readonly reference: T;
}

function coverage(
  name: string,
  { options: { k }, signal, onProgress, warn }: MetricContext<NeighbourOptions>,
  choose: <T>(sides: Sides<T>) => { readonly points: T; readonly balls: T },
): MetricState {
  const stores = featureStores(name);
  return {
    add: stores.add,
    async finish() {
      const { dims } = stores.actual;
      const counts = choose({ actual: stores.actual.count, reference: stores.reference.count });
      const { actual, reference } = stores;
      if (actual.count !== reference.count || actual.count < FEW) {
        warn(
          `${name} depends on both counts, here ${actual.count} pictures and ${reference.count} real ones: compare it only with others of these counts.`,
        );
      }
      const { points, balls } = choose({ actual: inDouble(actual.rows()), reference: inDouble(reference.rows()) });
      const breathe = breather(signal);
      const total = counts.balls + counts.points;
      const tick = async (done: number): Promise<void> => {
        onProgress?.({ phase: name, done, total, unit: 'rows' });
        await breathe();
      };
      const radii = await squaredRadii(balls, dims, k, tick);
      const inside = await countInside(points, balls, radii, dims, (done) => tick(counts.balls + done));
      return inside / counts.points;
    },
  };
}

type Tick = (done: number) => Promise<void>;

/** Squared distance of every row to its k-th nearest other row. */
async function squaredRadii(rows: Float64Array, dims: number, k: number, tick: Tick): Promise<Float64Array> {
  const norms = squaredNorms(rows, dims);
  const products = new Float64Array(norms.length);
  const radii = new Float64Array(norms.length);
  // The k smallest so far, ascending.
  const nearest = new Float64Array(k);
  for (let i = 0; i < norms.length; i++) {
    nearest.fill(Number.POSITIVE_INFINITY);
    innerProducts(rows, i, rows, norms.length, dims, products);
    for (let j = 0; j < norms.length; j++) {
      const distance = norms[i] + norms[j] - 2 * products[j];
      if (j !== i && distance < nearest[k - 1]) insert(nearest, distance);
    }
    radii[i] = nearest[k - 1];
    if ((i + 1) % ROWS_AT_ONCE === 0) await tick(i + 1);
  }
  await tick(norms.length);
  return radii;
}

function insert(ascending: Float64Array, value: number): void {
  let at = ascending.length - 1;
  for (; at > 0 && ascending[at - 1] > value; at--) ascending[at] = ascending[at - 1];
  ascending[at] = value;
}

async function countInside(
  points: Float64Array,
  balls: Float64Array,
  radii: Float64Array,
  dims: number,
  tick: Tick,
): Promise<number> {
  const [pointNorms, ballNorms] = [squaredNorms(points, dims), squaredNorms(balls, dims)];
  const products = new Float64Array(ballNorms.length);
  let inside = 0;
  for (let i = 0; i < pointNorms.length; i++) {
    innerProducts(points, i, balls, ballNorms.length, dims, products);
    for (let j = 0; j < ballNorms.length; j++) {
      if (pointNorms[i] + ballNorms[j] - 2 * products[j] > radii[j]) continue;
      inside++;
      break;
    }
    if ((i + 1) % ROWS_AT_ONCE === 0) await tick(i + 1);
  }
  await tick(pointNorms.length);
  return inside;
}
