import {
  type Constant,
  type Coupling,
  type Graph,
  type Group,
  SecateurError,
  sizeOf,
  toFloat32,
} from '@secateur/graph';
import type { Criterion, GroupView, InputNorms, SliceView } from './criterion.js';
import { notFinite } from './masks/rank-keys.js';
import { hashText, uniform } from './random.js';
import type { UnitScores } from './selector.js';
import { includesKind } from './space.js';
import type { Statistics } from './statistics/statistics.js';

/** Weights as float32 by graph constant, each read once. */
export type LoadedWeights = ReadonlyMap<string, Float32Array>;

/**
 * Reads the parameters named.
 * @throws {SecateurError} BAD_DATA when one holds NaN or infinity
 */
export async function loadWeights(graph: Graph, values: Iterable<string>): Promise<LoadedWeights> {
  const weights = new Map<string, Float32Array>();
  for (const value of values) {
    if (weights.has(value)) continue;
    weights.set(value, await finiteWeights(value, graph.constants.get(value)!));
  }
  return weights;
}

/** The values of one parameter. @throws {SecateurError} BAD_DATA when they hold NaN or infinity; what reading throws */
export async function finiteWeights(value: string, constant: Constant): Promise<Float32Array> {
  const data = toFloat32(await constant.read());
  for (let i = 0; i < data.length; i++) {
    // NaN and infinity less themselves are NaN.
    if (data[i] - data[i] !== 0) throw notFinite(constant.parameter?.name ?? value, { dtype: 'float32', data }, i);
  }
  return data;
}

/** A slice that also knows the graph's constant. */
export interface ValueSlice extends SliceView {
  readonly value: string;
}

/** A group whose slices also know the graph's constants. */
export interface ValueGroup extends GroupView {
  readonly slices: readonly ValueSlice[];
}

/** A group as criteria see it: what checkpoints hold of it, in the stored layout. */
export function viewOfGroup(graph: Graph, group: Group): ValueGroup {
  const slices = group.slices
    .filter((slice) => isStored(graph.constants.get(slice.value)!))
    .map((slice) => ({
      tensor: slice.tensor,
      value: slice.value,
      role: slice.role,
      shape: graph.constants.get(slice.value)!.shape,
      axis: slice.valueAxis,
      perUnit: slice.perUnit,
      indices: slice.indices,
    }));
  return { id: group.id, kind: group.kind, size: group.size, slices };
}

/** A table that loaders compute, such as frequencies of positions, is no weight. */
function isStored({ parameter }: Constant): boolean {
  return parameter !== undefined && !parameter.computed;
}

/**
 * Scores every group; one that the criterion has nothing to go by for is left out.
 * @throws {SecateurError} BAD_PLUGIN when the criterion throws, returns the wrong length or a non-finite score;
 *   MISSING_NEED when it asks for something it did not declare
 */
export function scoreUnits(
  criterion: Criterion,
  coupling: Coupling,
  groups: readonly Group[],
  weights: LoadedWeights,
  statistics: Statistics,
  seed: number,
): UnitScores {
  const { graph } = coupling.flow;
  const { score } = criterion;
  if (!score) {
    throw new SecateurError('BAD_OPTION', `Criterion "${criterion.name}" scores single weights, not units.`, {
      plugin: criterion.name,
      hint: 'Choose the space elements or an N:M pattern.',
    });
  }
  const scores = new Map<string, Float32Array>();
  for (const group of groups) {
    if (!includesKind(criterion.units, group.kind)) {
      throw new SecateurError(
        'BAD_OPTION',
        `Criterion "${criterion.name}" does not score units of kind ${group.kind}.`,
        {
          plugin: criterion.name,
          hint: `It scores: ${criterion.units.join(', ')}.`,
        },
      );
    }
    const view = viewOfGroup(graph, group);
    const constantOf = (slice: SliceView) => valueOfSlice(criterion.name, view, slice);
    const groupHash = hashText(group.id);
    const result = guard(criterion.name, () =>
      score(view, {
        weights: (slice) => weights.get(constantOf(slice))!,
        gradients: (slice) => need(criterion, 'gradients', statistics.gradients).get(constantOf(slice)) ?? empty(slice),
        inputNorms: (slice): InputNorms | undefined =>
          need(criterion, 'activations', statistics.inputNorms).get(constantOf(slice)),
        outputsWithout: ({ id }) => {
          const { units } = need(criterion, 'outputsWithout', statistics.outputsWithout);
          return units.get(id) ?? notMeasured(criterion.name, id);
        },
        random: (of, unit) => uniform(seed, of === view ? groupHash : hashText(of.id), unit),
      }),
    );
    if (result === undefined) continue;
    checkScores(criterion.name, group.id, result, group.size);
    scores.set(group.id, result);
  }
  return scores;
}

/** A criterion may pass a copy of a slice: the tensor's name decides. */
function valueOfSlice(plugin: string, view: ValueGroup, slice: SliceView): string {
  const found = view.slices.find((candidate) => candidate.tensor === slice.tensor);
  if (found) return found.value;
  throw new SecateurError(
    'BAD_PLUGIN',
    `Criterion "${plugin}" reads "${slice.tensor}", no slice of group "${view.id}".`,
    {
      plugin,
      field: slice.tensor,
    },
  );
}

function notMeasured(plugin: string, id: string): never {
  throw new SecateurError(
    'BAD_PLUGIN',
    `Criterion "${plugin}" reads the output without "${id}", which it is not given.`,
    {
      plugin,
      field: id,
    },
  );
}

/** A buffer has no gradient. */
function empty(slice: SliceView): Float32Array {
  return new Float32Array(sizeOf(slice.shape));
}

/** What was measured, if the criterion declared that it needs it. @throws {SecateurError} MISSING_NEED otherwise */
export function need<T>(criterion: Pick<Criterion, 'name'>, name: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new SecateurError(
    'MISSING_NEED',
    `Criterion "${criterion.name}" reads ${name} without declaring that it needs them.`,
    {
      plugin: criterion.name,
      field: 'needs',
      hint: `Add ${name}() to its needs.`,
    },
  );
}

/** Runs a plugin's code; what it throws becomes BAD_PLUGIN naming it. */
export function guard<T>(plugin: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof SecateurError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SecateurError('BAD_PLUGIN', `Plugin "${plugin}" failed: ${message}`, { plugin, cause });
  }
}

/** @throws {SecateurError} BAD_PLUGIN unless `scores` is `length` finite numbers */
export function checkScores(
  plugin: string,
  what: string,
  scores: unknown,
  length: number,
): asserts scores is Float32Array {
  if (!(scores instanceof Float32Array)) {
    throw new SecateurError('BAD_PLUGIN', `Criterion "${plugin}" must return a Float32Array for "${what}".`, {
      plugin,
      field: what,
    });
  }
  if (scores.length !== length) {
    throw new SecateurError(
      'BAD_PLUGIN',
      `Criterion "${plugin}" returned ${scores.length} scores for "${what}", which has ${length}.`,
      {
        plugin,
        field: what,
      },
    );
  }
  for (let i = 0; i < length; i++) {
    if (scores[i] - scores[i] === 0) continue;
    throw new SecateurError('BAD_PLUGIN', `Criterion "${plugin}" scored unit ${i} of "${what}" ${scores[i]}.`, {
      plugin,
      field: what,
    });
  }
}
