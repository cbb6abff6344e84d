import { checkRange } from '../check-range.js';
import { zerosOf } from '../parameters.js';
import type { Optimizer } from './optimizer.js';

export interface AdamWOptions {
  /** Decay of the mean of gradients, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: times the learning rate. Default 0.01. */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 1711.05101), as PyTorch's `AdamW` computes it:
 *
 *   w *= 1 - learningRate * weightDecay
 *   m  = beta1 * m + (1 - beta1) * g
 *   v  = beta2 * v + (1 - beta2) * g^2
 *   w -= learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 *
 * @throws {SecateurError} BAD_OPTION
 */
export function adamw(options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  checkRange('beta1', beta1, 0, 1);
  checkRange('beta2', beta2, 0, 1);
  checkRange('epsilon', epsilon, 0);
  checkRange('weightDecay', weightDecay, 0);
  return {
    name: 'adamw',
    options: { beta1, beta2, epsilon, weightDecay },
    init: (parameters) => ({ step: 0, slots: { mean: zerosOf(parameters), square: zerosOf(parameters) } }),
    update(parameters, gradients, state, learningRate) {
      state.step++;
      const stepSize = learningRate / (1 - beta1 ** state.step);
      // One division less for every weight: they are what a step costs here.
      const inverseRoot = 1 / Math.sqrt(1 - beta2 ** state.step);
      const keep = 1 - learningRate * weightDecay;
      const [fresh1, fresh2] = [1 - beta1, 1 - beta2];
      const { mean, square } = state.slots;
      for (const [name, w] of parameters) {
        const g = gradients.get(name)!;
        const m = mean.get(name)!;
        const v = square.get(name)!;
        for (let i = 0; i < w.length; i++) {
          const gradient = g[i];
          const first = beta1 * m[i] + fresh1 * gradient;
          const second = beta2 * v[i] + fresh2 * gradient * gradient;
          m[i] = first;
          v[i] = second;
          w[i] = keep * w[i] - (stepSize * first) / (Math.sqrt(second) * inverseRoot + epsilon);
        }
      }
    },
  };
}
