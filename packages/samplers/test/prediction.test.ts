import { float32 } from '@secateur/graph';
import { relativeError } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { combine } from '../src/combine.js';
import type { PredictionType } from '../src/noise-process.js';
import { levelOf, noiseFrom, originalFrom, refuseEpsilonWithoutSignal } from '../src/prediction.js';

const x0 = float32([1, 3], [0.5, -1, 0.25]);
const eps = float32([1, 3], [1.5, 0.1, -2]);

it.each<[PredictionType, { alpha: number; sigma: number }]>([
  ['epsilon', levelOf(0.3)],
  ['sample', levelOf(0.3)],
  ['v_prediction', levelOf(0.3)],
  ['flow_prediction', { alpha: 0.7, sigma: 0.3 }],
])('%s: a perfect output gives x0 and the noise back', (prediction, level) => {
  const sample = combine([level.alpha, x0], [level.sigma, eps]);
  const outputs = {
    epsilon: eps,
    sample: x0,
    v_prediction: combine([level.alpha, eps], [-level.sigma, x0]),
    flow_prediction: combine([1, eps], [-1, x0]),
  };
  // A few roundings of float32.
  expect(relativeError(originalFrom(prediction, outputs[prediction], sample, level).data, x0.data)).toBeLessThan(1e-6);
  expect(relativeError(noiseFrom(prediction, outputs[prediction], sample, level).data, eps.data)).toBeLessThan(1e-6);
});

it('refuses predicted noise where there is no signal', () => {
  const alphas = Float32Array.of(0.5, 0);
  expect(() => refuseEpsilonWithoutSignal('epsilon', alphas, [1])).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG' }),
  );
  expect(() => refuseEpsilonWithoutSignal('v_prediction', alphas, [1])).not.toThrow();
  expect(() => refuseEpsilonWithoutSignal('epsilon', alphas, [0])).not.toThrow();
});
