import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { unitPictures } from './unit-pictures.js';

/**
 * Peak signal-to-noise ratio of pairs of pictures in decibels, from the squared error averaged over all of them:
 *
 *   PSNR = 10 log₁₀(R² / MSE),   R = 1
 *
 * Pictures are cut to [-1, 1] and taken to [0, 1] first. Infinite when every pair is equal. The mean of the ratios of single
 * pairs, which some papers give, is larger, and infinite as soon as one pair is equal.
 */
export const psnr: PluginFactory<Metric, object> = defineMetric<object>({
  name: 'psnr',
  apiVersion: 1,
  summary: 'Peak signal-to-noise ratio, in dB, of pictures from the same noise.',
  defaults: {},
  higherIsBetter: true,
  start: ({ warn }): MetricState => {
    let sum = 0;
    let values = 0;
    return {
      add({ actual, reference }) {
        const [x, y] = [unitPictures(actual!), unitPictures(reference!)];
        for (let i = 0; i < x.length; i++) sum += (x[i] - y[i]) ** 2;
        values += x.length;
      },
      finish() {
        if (sum === 0) warn('psnr: every pair is equal, the ratio is infinite.');
        return sum === 0 ? Number.POSITIVE_INFINITY : -10 * Math.log10(sum / values);
      },
    };
  },
});
