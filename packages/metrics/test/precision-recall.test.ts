import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { precision, recall } from '../src/index.js';
import { expected, input } from './support/reference.js';

testMetric(precision, { variants: [{ k: 1 }] });
testMetric(recall, { variants: [{ k: 1 }] });

describe('precision and recall', () => {
  const [x, y] = [input('x'), input('y')];
  const line = (...values: number[]) => float32([values.length, 1], values);

  it('equal scipy’s, exactly: they count', async () => {
    for (const k of [1, 3]) {
      expect((await precision({ k }).compare(x, y)).value).toBe(expected(`precision.k${k}`)[0]);
      expect((await recall({ k }).compare(x, y)).value).toBe(expected(`recall.k${k}`)[0]);
    }
  });

  it('are what can be worked out by hand', async () => {
    // Balls around 0, 1, 3, 10 to the nearest other: radii 1, 1, 2, 7. Around 1.5, 4.5, 20: 3, 3, 15.5.
    const real = line(0, 1, 3, 10);
    const drawn = line(1.5, 4.5, 20);
    // 1.5 and 4.5 lie in [1, 5]; 20 is 10 away from 10, farther than 7.
    expect((await precision({ k: 1 }).compare(drawn, real)).value).toBe(2 / 3);
    // 0, 1, 3 lie in [-1.5, 4.5]; 10 in [4.5, 35.5].
    expect((await recall({ k: 1 }).compare(drawn, real)).value).toBe(1);
    expect((await recall({ k: 1 }).compare(real, drawn)).value).toBe(
      (await precision({ k: 1 }).compare(drawn, real)).value,
    );
  });

  it('count the border, and equal points', async () => {
    expect((await precision({ k: 1 }).compare(line(2, 5), line(0, 1))).value).toBe(0.5);
    expect((await precision({ k: 1 }).compare(line(4, 4), line(4, 4))).value).toBe(1);
  });

  it('say how many samples a ball needs, and that the counts matter', async () => {
    await expect(precision({ k: 4 }).compare(line(1, 2), line(1, 2, 3, 4))).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: '"precision" needs at least 5 samples of each; here are 2 samples and 4 of the reference.',
    });
    const { warnings } = await recall().compare(x, y);
    expect(warnings).toEqual([expect.stringContaining('60 pictures and 90 real ones')]);
  });

  it('stop between rows', async () => {
    const controller = new AbortController();
    const run = recall().compare(x, y, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
