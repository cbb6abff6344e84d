import { float32, sizeOf, type Tensor, toFloat32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import type { Metric, MetricResult } from '../metric.js';
import type { PluginFactory } from '../plugin.js';
import { codeOf, type SuiteSkip, testUnless } from './suite.js';
import { seededValues } from './tiny-model.js';

export interface MetricSuiteOptions<Options> {
  /** Option sets to run the suite with, besides the defaults. */
  readonly variants?: readonly Partial<Options>[];
  /** Samples of each side. Default 24. */
  readonly count?: number;
  readonly skip?: readonly SuiteSkip[];
}

/** Sums in another order may end in other last digits, nothing more. */
const RELATIVE = 1e-9;

/** The behaviours every metric must show. Call it at the top level of a vitest file. */
export function testMetric<Options extends object>(
  factory: PluginFactory<Metric, Options>,
  options: MetricSuiteOptions<Options> = {},
): void {
  const { variants = [], count = 24, skip = [] } = options;
  const test = testUnless(skip);

  describe(`metric ${factory.pluginName} conforms`, () => {
    const labelled = [undefined, ...variants].map((variant) => ({ variant, label: JSON.stringify(variant ?? {}) }));
    describe.each(labelled)('with options $label', ({ variant }) => {
      const metric = factory(variant);
      const shape = metric.subject === 'images' ? [1, 16, 16] : [5];
      const samples = (seed: number, n = count): Tensor =>
        float32([n, ...shape], seededValues(seed, n * sizeOf(shape)).map(Math.tanh));
      const reference = samples(2);
      // From another distribution, so that no metric may find the two alike.
      const actual = float32(
        [count, ...shape],
        toFloat32(samples(1)).map((value) => 0.5 * value + 0.4),
      );

      test('gives one value, the same each time, and changes no samples', async () => {
        const before = [actual, reference].map(({ data }) => data.slice());
        const first = await metric.compare(actual, reference, { seed: 3 });
        expect(Number.isFinite(first.value)).toBe(true);
        expect(first.count).toEqual({ actual: count, reference: count });
        expect(await metric.compare(actual, reference, { seed: 3 })).toEqual(first);
        expect([actual.data, reference.data]).toEqual(before);
        expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      });
      test('gives the same value whatever the batches', async () => {
        const whole = await metric.compare(actual, reference, { seed: 3 });
        for (const size of [1, 7]) expectClose(await inBatches(metric, actual, reference, size), whole);
      });
      test('takes the two sides apart where it compares sets', async () => {
        if (metric.compares !== 'sets') return;
        const run = metric.start({ seed: 3 });
        run.add({ reference });
        run.add({ actual });
        expectClose(await run.finish(), await metric.compare(actual, reference, { seed: 3 }));
      });
      test('finds nothing better than the reference itself', async () => {
        const other = (await metric.compare(actual, reference)).value;
        const same = (await metric.compare(reference, reference)).value;
        if (metric.higherIsBetter) expect(same).toBeGreaterThan(other);
        else expect(same).toBeLessThan(other);
      });
      test('says so when there are too few samples', async () => {
        const minimum = metric.minimum(shape[0]);
        const few = minimum - 1;
        const run = metric.start();
        if (few > 0) run.add({ actual: samples(1, few), reference: samples(2, few) });
        await expect(run.finish()).rejects.toMatchObject({
          code: 'BAD_DATA',
          plugin: metric.name,
          message: expect.stringContaining(`at least ${minimum} `),
        });
      });
      test('refuses what it cannot compare', async () => {
        const nan = samples(1);
        nan.data[7] = Number.NaN;
        await expect(metric.compare(nan, reference)).rejects.toMatchObject({ code: 'BAD_DATA' });
        const flat = float32([count * sizeOf(shape)], toFloat32(actual));
        await expect(metric.compare(flat, reference)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
        const wider = [...shape.slice(0, -1), 2 * shape[shape.length - 1]];
        const larger = float32([count, ...wider], seededValues(3, count * sizeOf(wider)));
        await expect(metric.compare(larger, reference)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
        if (metric.compares === 'sets') return;
        await expect(metric.compare(samples(1, count - 1), reference)).rejects.toMatchObject({
          code: 'SHAPE_MISMATCH',
        });
      });
      test('stops when cancelled', async () => {
        const cancelled = metric.compare(actual, reference, { signal: AbortSignal.abort() });
        await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
      });
      test('keeps its options through JSON', async () => {
        const again = factory(JSON.parse(JSON.stringify(metric.options)) as Partial<Options>);
        expect(again.options).toEqual(metric.options);
      });
    });

    it('refuses an unknown option by name', () => {
      const wrong = { 'no-such-option': 1 } as unknown as Partial<Options>;
      expect(codeOf(() => factory(wrong))).toBe('BAD_OPTION');
    });
  });
}

async function inBatches(metric: Metric, actual: Tensor, reference: Tensor, size: number): Promise<MetricResult> {
  const run = metric.start({ seed: 3 });
  const [count, ...shape] = actual.shape;
  const rows = ({ data }: Tensor, from: number, to: number): Tensor =>
    float32([to - from, ...shape], (data as Float32Array).subarray(from * sizeOf(shape), to * sizeOf(shape)));
  for (let from = 0; from < count; from += size) {
    const to = Math.min(count, from + size);
    run.add({ actual: rows(actual, from, to), reference: rows(reference, from, to) });
  }
  return run.finish();
}

function expectClose(found: MetricResult, expected: MetricResult): void {
  expect(Math.abs(found.value - expected.value)).toBeLessThanOrEqual(RELATIVE * Math.max(1, Math.abs(expected.value)));
  expect(found.count).toEqual(expected.count);
}
