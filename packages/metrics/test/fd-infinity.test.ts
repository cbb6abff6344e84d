import { testMetric } from '@secateur/core/conformance';
import { describe, expect, it } from 'vitest';
import { fd, fdInfinity } from '../src/index.js';
import { expected, expectRelative, input, rows } from './support/reference.js';

testMetric(fdInfinity, { variants: [{ points: 4 }] });

describe('fd-infinity', () => {
  const [x, y] = [input('x'), input('y')];

  it('equals the line through scipy’s distances of the same subsets (1e-6, as fd)', async () => {
    const all = await fdInfinity().compare(x, y, { seed: 5 });
    expectRelative(all.value, expected('fd-infinity.sets')[0], 1e-6);
    expect(all.details).toMatchObject({ smallestSubset: 13, subsets: 15 });
    expectRelative(Number(all.details?.fdOfAll), (await fd().compare(x, y)).value, 1e-9);
    const few = await fdInfinity({ points: 5 }).compare(x, y, { seed: 5 });
    expectRelative(few.value, expected('fd-infinity.points')[0], 1e-6);
  });

  it('is below the distance of all pictures, which is biased upwards', async () => {
    const { value, details } = await fdInfinity().compare(x, y);
    expect(value).toBeLessThan(Number(details?.fdOfAll));
    expect(Number(details?.slope)).toBeGreaterThan(0);
  });

  it('says how many pictures it needs', async () => {
    await expect(fdInfinity().compare(rows(x, 0, 25), y)).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: '"fd-infinity" needs at least 26 samples of each; here are 25 samples and 90 of the reference.',
    });
  });

  it('reports progress, and refuses a line through one point', async () => {
    const seen: number[] = [];
    await fdInfinity({ points: 3 }).compare(x, y, { onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([1, 2, 3]);
    expect(() => fdInfinity({ points: 1 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
