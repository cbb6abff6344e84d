import type { Role, UnitKind } from '@secateur/graph';
import type { Need } from './need.js';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';
import type { Without } from './statistics/statistics.js';

/** One axis of one tensor that a group's units take indices of, with what is needed to read it. */
export interface SliceView {
  /** Checkpoint name. */
  readonly tensor: string;
  readonly role: Role;
  /** Shape of the stored tensor. */
  readonly shape: readonly number[];
  /** The axis, in the stored layout. */
  readonly axis: number;
  /** Number of indices that each unit takes. */
  readonly perUnit: number;
  /** `[size * perUnit]`: the indices of unit `u` start at `u * perUnit`. */
  readonly indices: Int32Array;
}

/** Units ranked together, as a criterion sees them: every slice of every unit is present. */
export interface GroupView {
  readonly id: string;
  readonly kind: UnitKind;
  /** Number of units. */
  readonly size: number;
  readonly slices: readonly SliceView[];
}

/** One unit of a group. */
export interface UnitView {
  readonly group: GroupView;
  readonly index: number;
}

export interface ScoreContext<Options> {
  readonly options: Readonly<Options>;
  /** Whole tensor of a slice, row-major, shape `slice.shape`. Never write to it. */
  weights(slice: SliceView): Float32Array;
  /** Accumulated gradient of the same shape. Needs `gradients()`. */
  gradients(slice: SliceView): Float32Array;
  /**
   * L2 norm of every input channel of the slice's tensor. Needs `activations()`. `undefined` for tensors that are not
   * multiplied with an input (norms, biases).
   */
  inputNorms(slice: SliceView): InputNorms | undefined;
  /** How the output changes without a layer or block. Needs `outputsWithout()`. */
  outputsWithout(group: GroupView): Without;
  /** Uniform number in [0, 1) that depends on the seed, the group and the unit alone. */
  random(group: GroupView, unit: number): number;
}

export interface InputNorms {
  /** Axis of the tensor along which its input's channels lie. */
  readonly axis: number;
  /** `[in]` */
  readonly norms: Float32Array;
}

/** A weight tensor whose elements are scored one by one. */
export interface TensorView {
  readonly tensor: string;
  readonly shape: readonly number[];
  /** Row-major. Never write to it. */
  readonly weights: Float32Array;
}

export interface ElementContext<Options> {
  readonly options: Readonly<Options>;
  /** Accumulated gradient of the tensor's shape. Needs `gradients()`. */
  gradients(): Float32Array;
  /** L2 norm of every input channel. Needs `activations()`. */
  inputNorms(): InputNorms;
  /** Uniform number in [0, 1) that depends on the seed, the tensor and the element alone. */
  random(element: number): number;
}

export interface CriterionDefinition<Options> extends PluginDefinition<Options> {
  /** Kinds of unit it can score. */
  readonly units: readonly UnitKind[];
  /** What the host must bring first. */
  readonly needs: readonly Need[] | ((options: Readonly<Options>) => readonly Need[]);
  /** Score of one unit from everything it would remove: the ten-line form. Larger = keep. */
  scoreEach?(unit: UnitView, context: { values(unit: UnitView): Float32Array; options: Readonly<Options> }): number;
  /** Scores of all units of a group, `[size]`. Larger = keep. `undefined`: nothing to go by, leave the group whole. */
  score?(group: GroupView, context: ScoreContext<Options>): Float32Array | undefined;
  /** Scores of all elements of a tensor, `[elements]`, for element and N:M spaces. Larger = keep. */
  scoreTensor?(tensor: TensorView, context: ElementContext<Options>): Float32Array;
  /**
   * Whether `scoreTensor` ranks the elements of all tensors as |w| does: the host then ranks the bits of the weights as they
   * are stored, several times as fast. Default false.
   */
  readonly ranksByMagnitude?: boolean;
}

/** How much does each unit matter? */
export interface Criterion extends Plugin<object> {
  readonly kind: 'criterion';
  readonly units: readonly UnitKind[];
  readonly needs: readonly Need[];
  /** `undefined` when it cannot score units. */
  readonly score?: (group: GroupView, context: Omit<ScoreContext<object>, 'options'>) => Float32Array | undefined;
  /** `undefined` when it cannot score elements. */
  readonly scoreTensor?: (tensor: TensorView, context: Omit<ElementContext<object>, 'options'>) => Float32Array;
  readonly ranksByMagnitude: boolean;
}

/**
 * Declares a criterion. Scoring is synchronous and must not change what it is given.
 *
 * @example
 * export const meanAbs = defineCriterion<{ p?: number }>({
 *   name: 'mean-abs', apiVersion: 1, defaults: { p: 1 }, units: ['channel', 'head', 'head-dim'], needs: [weights()],
 *   scoreEach: (unit, { values, options }) => {
 *     let sum = 0;
 *     for (const w of values(unit)) sum += Math.abs(w) ** options.p!;
 *     return sum / values(unit).length;
 *   },
 * });
 */
export function defineCriterion<Options extends object>(
  definition: CriterionDefinition<Options>,
): PluginFactory<Criterion, Options> {
  const { score, scoreEach, scoreTensor, units } = definition;
  return makeFactory<Criterion & Plugin<Options>, Options>('criterion', definition, (base) => {
    const { options } = base;
    const needs = typeof definition.needs === 'function' ? definition.needs(options) : definition.needs;
    return {
      ...base,
      kind: 'criterion',
      units,
      needs,
      ranksByMagnitude: definition.ranksByMagnitude ?? false,
      score: score
        ? (group, context) => score.call(definition, group, { ...context, options })
        : scoreEach &&
          ((group, context) =>
            scoreOneByOne(group, context, (unit, values) => scoreEach.call(definition, unit, { values, options }))),
      scoreTensor: scoreTensor && ((tensor, context) => scoreTensor.call(definition, tensor, { ...context, options })),
    };
  });
}

function scoreOneByOne(
  group: GroupView,
  context: Pick<ScoreContext<object>, 'weights'>,
  scoreOne: (unit: UnitView, values: (unit: UnitView) => Float32Array) => number,
): Float32Array {
  const values = (unit: UnitView) => valuesOfUnit(unit, context);
  return Float32Array.from({ length: group.size }, (_, index) => scoreOne({ group, index }, values));
}

/** All weights a unit would remove, slice after slice, row-major within a slice. */
export function valuesOfUnit(unit: UnitView, context: Pick<ScoreContext<object>, 'weights'>): Float32Array {
  const parts = unit.group.slices.map((slice) => {
    const data = context.weights(slice);
    const part = new Float32Array((data.length / slice.shape[slice.axis]) * slice.perUnit);
    let at = 0;
    forEachOfUnit(slice, unit.index, (element) => {
      part[at++] = data[element];
    });
    return part;
  });
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Calls `visit` with the flat position of every element of the slice that unit `unit` takes, ascending per index. */
export function forEachOfUnit(slice: SliceView, unit: number, visit: (element: number) => void): void {
  const { shape, axis, perUnit, indices } = slice;
  let inner = 1;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i];
  let outer = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i];
  for (let k = unit * perUnit; k < (unit + 1) * perUnit; k++) {
    for (let o = 0; o < outer; o++) {
      const start = (o * shape[axis] + indices[k]) * inner;
      for (let i = 0; i < inner; i++) visit(start + i);
    }
  }
}

/**
 * Sum over every unit of `term(element)`, elements taken in a fixed order and summed in double precision, so that the
 * result is the same bits on every machine.
 * @returns [size]
 */
export function sumPerUnit(slice: SliceView, size: number, term: (element: number) => number): Float64Array {
  const sums = new Float64Array(size);
  for (let unit = 0; unit < size; unit++) {
    let sum = 0;
    forEachOfUnit(slice, unit, (element) => {
      sum += term(element);
    });
    sums[unit] = sum;
  }
  return sums;
}
