import { type Coupling, SecateurError } from '@secateur/graph';
import type { Criterion } from './criterion.js';
import { keepLargest, keepLargestOfAll, keepNofM, type Pattern } from './masks/select-elements.js';
import { hashText, uniform } from './random.js';
import { checkScores, guard, type LoadedWeights, need } from './score-units.js';
import type { Masks } from './selector.js';
import type { Statistics } from './statistics/statistics.js';

/** A convolution or linear weight and the axis of its input channels, in the stored layout. */
export interface WeightTensor {
  readonly value: string;
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly inputAxis: number;
}

/** The weights that element and N:M spaces may zero: every convolution and linear, biases and norms left out. */
export function listWeightTensors(coupling: Coupling): WeightTensor[] {
  const { flow } = coupling;
  return flow.constantAxes.flatMap((at) => {
    const constant = flow.graph.constants.get(at.value)!;
    if (at.role !== 'consumer' || !constant.parameter) return [];
    return [{ value: at.value, tensor: constant.parameter.name, shape: constant.shape, inputAxis: at.axis }];
  });
}

/**
 * Chooses the elements that stay.
 * @param scope with single elements: one ratio for every tensor (`local`) or one ranking over all (`global`)
 */
export function chooseElements(
  criterion: Criterion,
  tensors: readonly WeightTensor[],
  pattern: Pattern,
  ratio: number,
  scope: 'local' | 'global',
  weights: LoadedWeights,
  statistics: Statistics,
  seed: number,
): Masks {
  const scored = tensors.map((tensor) => ({
    ...tensor,
    scores: scoreTensor(criterion, tensor, weights, statistics, seed),
  }));
  if (pattern.kind === 'n:m') {
    return new Map(
      scored.map(({ tensor, shape, inputAxis, scores }) => [
        tensor,
        keepNofM(shape, inputAxis, scores, pattern.n, pattern.m),
      ]),
    );
  }
  if (scope === 'global') {
    const masks = keepLargestOfAll(scored, ratio);
    return new Map(scored.map(({ tensor }, i) => [tensor, masks[i]]));
  }
  return new Map(scored.map(({ tensor, shape, scores }) => [tensor, keepLargest(shape, scores, ratio)]));
}

function scoreTensor(
  criterion: Criterion,
  tensor: WeightTensor,
  weights: LoadedWeights,
  statistics: Statistics,
  seed: number,
): Float32Array {
  const { scoreTensor: score } = criterion;
  if (!score) {
    throw new SecateurError('BAD_OPTION', `Criterion "${criterion.name}" scores units, not single weights.`, {
      plugin: criterion.name,
      hint: 'Choose the space channels or heads.',
    });
  }
  const values = weights.get(tensor.value)!;
  const hash = hashText(tensor.tensor);
  const scores = guard(criterion.name, () =>
    score(
      { tensor: tensor.tensor, shape: tensor.shape, weights: values },
      {
        gradients: () => need(criterion, 'gradients', statistics.gradients).get(tensor.value)!,
        inputNorms: () => need(criterion, 'activations', statistics.inputNorms).get(tensor.value)!,
        random: (element) => uniform(seed, hash, element),
      },
    ),
  );
  checkScores(criterion.name, tensor.tensor, scores, values.length);
  return scores;
}
