import {
  activations,
  aggregate,
  type Criterion,
  defineCriterion,
  type InputNorms,
  type PluginFactory,
  weights,
} from '@secateur/core';
import { stridesOf } from '@secateur/graph';
import { everyKind } from './unit-kinds.js';

/**
 * |w_ij| · ‖x_j‖₂: a weight matters as much as its input is large (Wanda, arXiv 2306.11695, eq. 1). For units: summed over
 * the weights they would remove; biases and norms have no input and do not count. Departure: the norm is over samples,
 * positions and timesteps.
 */
export const wanda: PluginFactory<Criterion, object> = defineCriterion<object>({
  name: 'wanda',
  apiVersion: 1,
  summary: 'Weight magnitude times the norm of its input.',
  defaults: {},
  units: everyKind,
  needs: [weights(), activations()],
  score: (group, context) =>
    aggregate(
      group,
      (slice) => {
        const inputs = context.inputNorms(slice);
        if (!inputs) return undefined;
        const w = context.weights(slice);
        const normOf = normLookup(slice.shape, inputs);
        return (element) => Math.abs(w[element]) * normOf(element);
      },
      { reduce: 'mean', normalize: 'mean', terms: 'weights' },
    ),
  scoreTensor: (tensor, context) => {
    const normOf = normLookup(tensor.shape, context.inputNorms());
    return tensor.weights.map((weight, element) => Math.abs(weight) * normOf(element));
  },
});

/** Norm of the input channel that the element at a flat position multiplies. */
function normLookup(shape: readonly number[], { axis, norms }: InputNorms): (element: number) => number {
  const stride = stridesOf(shape)[axis];
  const size = shape[axis];
  return (element) => norms[Math.floor(element / stride) % size];
}
