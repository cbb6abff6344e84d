import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { fd } from '../src/index.js';
import { expected, expectRelative, input, rows } from './support/reference.js';

testMetric(fd);

describe('fd', () => {
  const [x, y] = [input('x'), input('y')];

  it('equals scipy’s, with a feature that never fires (1e-6: scipy’s own root of the singular product)', async () => {
    expectRelative((await fd().compare(x, y)).value, expected('fd.sets')[0], 1e-6);
  });

  it('equals scipy’s where there are fewer pictures than features', async () => {
    const { value, warnings } = await fd().compare(rows(x, 0, 8), y);
    expectRelative(value, expected('fd.few')[0], 1e-6);
    expect(warnings).toEqual([
      expect.stringContaining('8 pictures with 12 features: their covariance has at most rank 7'),
      expect.stringContaining('90 real pictures with 12 features is biased upwards'),
    ]);
  });

  it('loses nothing to a mean far from zero', async () => {
    const far = (tensor: typeof x) =>
      float32(
        tensor.shape,
        Array.from(tensor.data, Number).map((value) => value + 1000),
      );
    expectRelative((await fd().compare(far(x), far(y))).value, expected('fd.far')[0], 1e-6);
  });

  it('is zero for the same pictures, as far as float64 goes, and symmetric', async () => {
    expect((await fd().compare(x, x)).value).toBeLessThan(1e-7);
    expectRelative((await fd().compare(y, x)).value, (await fd().compare(x, y)).value, 1e-7);
  });

  it('is what can be worked out by hand', async () => {
    // One feature: means 2 and 5, variances 2 and 8: 9 + 2 + 8 - 2 * sqrt(16).
    const one = await fd().compare(float32([2, 1], [1, 3]), float32([2, 1], [3, 7]));
    expectRelative(one.value, 11, 1e-12);
    // Variances along the axes only: (1-2)² + (3-1)² of the standard deviations, times 4/3 for the unbiased variance.
    const cross = (a: number, b: number) => float32([4, 2], [a, 0, -a, 0, 0, b, 0, -b]);
    const two = await fd().compare(cross(1, 3), cross(2, 1));
    expectRelative(two.value, ((1 - 2) ** 2 + (3 - 1) ** 2) * (2 / 3), 1e-12);
  });

  it('says nothing of bias where there are as many pictures a feature as behind published numbers', async () => {
    const many = float32(
      [25, 1],
      Array.from({ length: 25 }, (_, i) => i),
    );
    expect((await fd().compare(many, many)).warnings).toEqual([]);
  });
});
