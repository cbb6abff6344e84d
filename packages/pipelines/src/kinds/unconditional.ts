import type { Model } from '@secateur/core';
import { int64 } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import type { Conditions, PipelineKind } from './kind.js';

/**
 * Pictures from noise alone, or from noise and a class label.
 * @throws {SecateurError} BAD_OPTION when the model needs anything else
 */
export function unconditional(model: Model, inputs: DenoiserInputs): PipelineKind {
  refuseOtherConditions(model, inputs, ['class_labels']);
  const takesLabels = inputs.conditions.length > 0;
  return {
    name: takesLabels ? 'A class-conditional model without a label for "no class"' : 'An unconditional model',
    takes: takesLabels ? 'labels' : 'nothing',
    steps: 50,
    async conditions({ labels }): Promise<Conditions> {
      return takesLabels ? { given: { class_labels: int64(labels) } } : { given: {} };
    },
    dispose: async () => {},
  };
}
