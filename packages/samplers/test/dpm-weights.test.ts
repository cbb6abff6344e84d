import { expect, it } from 'vitest';
import { dpmWeights } from '../src/schedulers/dpm-weights.js';
import { logSnrOf } from '../src/schedulers/log-snr.js';

const points = [0.2, 0.8, 2, 5].map((noise) => logSnrOf(noise, false));
const weights = (order: number, isHeun = false) => dpmWeights('dpmsolver++', isHeun, points.slice(0, order + 1));

it('is DDIM at order 1', () => {
  const [to, from] = points;
  const { sample, outputs } = weights(1);
  // x0-form of DDIM: sigma' / sigma * x + (alpha' - alpha * sigma' / sigma) * x0
  expect(sample).toBeCloseTo(to.sigma / from.sigma, 12);
  expect(outputs[0]).toBeCloseTo(to.alpha - (from.alpha * to.sigma) / from.sigma, 6);
});

it.each([2, 3])('sums to the first-order weight at order %i: equal outputs mean no curvature', (order) => {
  const total = weights(order).outputs.reduce((a, b) => a + b, 0);
  expect(total).toBeCloseTo(weights(1).outputs[0], 12);
  expect(weights(order, true).outputs.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 12);
});

it.each([2, 3])('integrates outputs linear in lambda exactly at order %i (heun)', (order) => {
  // Exact: sigma' * integral of e^lambda * lambda over the step, for an output equal to lambda.
  const [to, from] = points;
  const exact = to.sigma * ((to.lambda - 1) * Math.exp(to.lambda) - (from.lambda - 1) * Math.exp(from.lambda));
  const sum = weights(order, true).outputs.reduce((total, weight, i) => total + weight * points[i + 1].lambda, 0);
  expect(sum).toBeCloseTo(exact, 6);
});

it('gives curvature half the weight that exact integration of quadratic outputs has, as the authors do', () => {
  const [to, from, before, beforeThat] = points;
  // For the output (lambda - l0)(lambda - l1), which is 0 at the two newest points.
  const [a, b, c] = [1, -(from.lambda + before.lambda), from.lambda * before.lambda];
  const primitive = (l: number): number => (a * (l * l - 2 * l + 2) + b * (l - 1) + c) * Math.exp(l);
  const exact = to.sigma * (primitive(to.lambda) - primitive(from.lambda));
  const oldest = (beforeThat.lambda - from.lambda) * (beforeThat.lambda - before.lambda);
  const slopePart = weights(3).outputs[2] * oldest;
  const h = to.lambda - from.lambda;
  const first = to.alpha * (Math.expm1(-h) / h + 1) * (from.lambda - before.lambda) * h;
  expect(slopePart - first).toBeCloseTo((exact - first) / 2, 6);
});
