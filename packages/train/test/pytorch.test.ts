import { type Model, parametersOf } from '@secateur/core';
import { toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { train } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { pytorchRun } from './support/pytorch-run.js';

async function weightsOf(model: Model): Promise<Record<string, Float32Array>> {
  const weights: Record<string, Float32Array> = {};
  for (const [name, { constant }] of parametersOf(model.graph)) weights[name] = toFloat32(await constant.read());
  return weights;
}

/** `max|a - b| / max|b|`. */
function relative(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return difference / largest;
}

/** Cosine between two ways from the same start. */
function cosine(a: Float32Array, b: Float32Array, start: Float32Array): number {
  let [product, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] - start[i], b[i] - start[i]];
    product += x * y;
    first += x * x;
    second += y * y;
  }
  return product / Math.sqrt(first * second);
}

describe('train, against 40 steps in PyTorch from the same weights, data order, noise and timesteps', () => {
  it('follows SGD: every loss and every tensor within 1e-3 relative', { timeout: 120_000 }, async () => {
    const run = await pytorchRun('sgd', await nodeEngine());
    const { model, report } = await train(run.model, run.options);
    for (const [step, loss] of report.losses.entries()) {
      expect(Math.abs(loss / run.losses[step] - 1), `loss of step ${step}`).toBeLessThan(1e-3);
    }
    const weights = await weightsOf(model);
    for (const [name, wanted] of Object.entries(run.weights)) {
      expect(relative(weights[name], wanted), name).toBeLessThan(1e-3);
    }
  });

  // AdamW divides by the size of the gradient, so that rounding of small ones grows: hence directions, not values.
  it('follows AdamW: losses within 1e-3 for 20 steps, then 1 %, updates at a cosine of 0.99', {
    timeout: 120_000,
  }, async () => {
    const run = await pytorchRun('adamw', await nodeEngine());
    const { model, report } = await train(run.model, run.options);
    for (const [step, loss] of report.losses.entries()) {
      expect(Math.abs(loss / run.losses[step] - 1), `loss of step ${step}`).toBeLessThan(step < 20 ? 1e-3 : 1e-2);
    }
    const weights = await weightsOf(model);
    expect(run.zeroGradient.every((name) => name.endsWith('.to_k.bias'))).toBe(true);
    for (const [name, wanted] of Object.entries(run.weights)) {
      if (run.zeroGradient.includes(name)) continue;
      expect(cosine(weights[name], wanted, run.initial[name]), name).toBeGreaterThan(0.99);
    }
  });
});
