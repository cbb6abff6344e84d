import { SecateurError } from '@secateur/graph';
import { checkRange } from '../check-range.js';
import { type Values, zerosOf } from '../parameters.js';
import type { Optimizer } from './optimizer.js';

export interface SgdOptions {
  /** In [0, 1). Default 0: no momentum. */
  readonly momentum?: number;
  /** Share of the gradient kept out of the momentum, in [0, 1]. Default 0. */
  readonly dampening?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's momentum; needs momentum and no dampening. Default false. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent as PyTorch's `SGD` computes it:
 *
 *   g += weightDecay * w
 *   b  = momentum * b + (1 - dampening) * g      (b = g at the first step)
 *   w -= learningRate * (nesterov ? g + momentum * b : b)
 *
 * @throws {SecateurError} BAD_OPTION
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
  checkRange('momentum', momentum, 0, 1);
  checkRange('dampening', dampening, 0, 1, true);
  checkRange('weightDecay', weightDecay, 0);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new SecateurError('BAD_OPTION', 'Nesterov needs momentum above 0 and dampening 0.', { field: 'nesterov' });
  }
  return {
    name: 'sgd',
    options: { momentum, dampening, weightDecay, nesterov },
    init(parameters) {
      const slots: Record<string, Values> = {};
      if (momentum !== 0) slots.momentum = zerosOf(parameters);
      return { step: 0, slots };
    },
    update(parameters, gradients, state, learningRate) {
      // The first gradient enters whole: PyTorch starts the buffer with it.
      const share = state.step === 0 ? 1 : 1 - dampening;
      for (const [name, w] of parameters) {
        const g = gradients.get(name)!;
        const b = state.slots.momentum?.get(name);
        for (let i = 0; i < w.length; i++) {
          const gradient = g[i] + weightDecay * w[i];
          if (!b) {
            w[i] -= learningRate * gradient;
            continue;
          }
          b[i] = momentum * b[i] + share * gradient;
          w[i] -= learningRate * (nesterov ? gradient + momentum * b[i] : b[i]);
        }
      }
      state.step++;
    },
  };
}
