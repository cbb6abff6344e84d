import {
  type Allocate,
  type Constant,
  type Coupling,
  type Graph,
  SecateurError,
  sizeOf,
  throwIfAborted,
} from '@secateur/graph';
import type { Criterion } from './criterion.js';
import { type CutOff, CutOffFinder, keepAbove } from './masks/cut-off.js';
import type { Mask } from './masks/mask.js';
import { keepNofMByKeys } from './masks/n-of-m.js';
import { keysOfMagnitudes, keysOfScores, type RankKeys } from './masks/rank-keys.js';
import type { Pattern } from './masks/select-elements.js';
import { memoryInTurns } from './memory-in-turns.js';
import { hashText, uniform } from './random.js';
import { readAhead } from './read-ahead.js';
import { checkScores, finiteWeights, guard, need } from './score-units.js';
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
    if (at.role !== 'consumer' || !constant.parameter || constant.parameter.buffer) return [];
    return [{ value: at.value, tensor: constant.parameter.name, shape: constant.shape, inputAxis: at.axis }];
  });
}

/** What elements are chosen by. */
export interface ElementRequest {
  readonly graph: Graph;
  readonly criterion: Criterion;
  readonly tensors: readonly WeightTensor[];
  readonly pattern: Pattern;
  /** Fraction of elements that go; a pattern says it itself. */
  readonly ratio: number;
  /** With single elements: one ratio for every tensor (`local`) or one ranking over all (`global`). */
  readonly scope: 'local' | 'global';
  readonly statistics: Statistics;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Called with tensors done so far and in all, where a tensor that is read again counts again. */
  onProgress?(done: number, total: number): void;
}

/**
 * Chooses the elements that stay, with one tensor in memory and the next on its way. A global ranking reads the tensors two
 * or three times instead of holding them: it counts scores, then marks what is above the cut.
 *
 * @throws {SecateurError} BAD_DATA when a weight is NaN or infinite; BAD_OPTION when the criterion scores no elements;
 *   BAD_PLUGIN when it throws or its scores are of the wrong length or not finite; ABORTED; what reading throws
 */
export async function chooseElements(request: ElementRequest): Promise<Masks> {
  const { tensors, pattern, ratio, scope } = request;
  if (pattern.kind === 'n:m') {
    return chooseEach(request, ({ shape, inputAxis }, keys) =>
      keepNofMByKeys(shape, inputAxis, keys, pattern.n, pattern.m),
    );
  }
  const finder = new CutOffFinder();
  if (scope === 'local') {
    return chooseEach(request, ({ shape }, keys) => {
      finder.start(Math.floor(ratio * keys.size));
      let cut: CutOff | undefined;
      while (!cut) {
        finder.add(keys);
        cut = finder.next();
      }
      return keepAbove(shape, keys, cut).mask;
    });
  }
  finder.start(Math.floor(ratio * tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)));
  let cut: CutOff | undefined;
  let pass = 0;
  while (!cut) {
    await eachTensor(request, [pass++, 3], (_, keys) => finder.add(keys));
    cut = finder.next();
  }
  const masks = new Map<string, Mask>();
  await eachTensor(request, [2, 3], ({ tensor, shape }, keys) => {
    const { mask, rest } = keepAbove(shape, keys, cut!);
    masks.set(tensor, mask);
    cut = rest;
  });
  return masks;
}

async function chooseEach(
  request: ElementRequest,
  choose: (tensor: WeightTensor, keys: RankKeys) => Mask,
): Promise<Masks> {
  const masks = new Map<string, Mask>();
  await eachTensor(request, [0, 1], (tensor, keys) => masks.set(tensor.tensor, choose(tensor, keys)));
  return masks;
}

/** Visits the tensors in order, each with the keys that its elements rank by, which are gone after the visit. */
async function eachTensor(
  request: ElementRequest,
  [pass, passes]: readonly [number, number],
  visit: (tensor: WeightTensor, keys: RankKeys) => void,
): Promise<void> {
  const { graph, tensors, signal, onProgress } = request;
  let done = pass * tensors.length;
  const report = () => onProgress?.(done, passes * tensors.length);
  // One is visited while the next is read.
  const memory = memoryInTurns(2);
  const load = async (tensor: WeightTensor) => keysOf(request, tensor, graph.constants.get(tensor.value)!, memory());
  report();
  for await (const [tensor, keys] of readAhead(tensors, load)) {
    throwIfAborted(signal);
    visit(tensor, keys);
    done++;
    report();
  }
}

async function keysOf(
  request: ElementRequest,
  tensor: WeightTensor,
  constant: Constant,
  allocate: Allocate,
): Promise<RankKeys> {
  const { criterion, statistics, seed } = request;
  const { scoreTensor: score } = criterion;
  if (!score) {
    throw new SecateurError('BAD_OPTION', `Criterion "${criterion.name}" scores units, not single weights.`, {
      plugin: criterion.name,
      hint: 'Choose the space channels or heads.',
    });
  }
  if (criterion.ranksByMagnitude) return keysOfMagnitudes(tensor.tensor, await constant.read('stored', allocate));
  const weights = await finiteWeights(tensor.value, constant);
  const hash = hashText(tensor.tensor);
  const scores = guard(criterion.name, () =>
    score(
      { tensor: tensor.tensor, shape: tensor.shape, weights },
      {
        gradients: () => need(criterion, 'gradients', statistics.gradients).get(tensor.value)!,
        inputNorms: () => need(criterion, 'activations', statistics.inputNorms).get(tensor.value)!,
        random: (element) => uniform(seed, hash, element),
      },
    ),
  );
  checkScores(criterion.name, tensor.tensor, scores, weights.length);
  return keysOfScores(scores);
}
