import { leastCommonMultiple, type WidthTie, type WidthTies } from '@secateur/core';
import type { Coupling, Group } from '@secateur/graph';

/** Where the producers of a group are: a stage, the time embedding, or neither. */
export type Place = number | 'time' | 'elsewhere';

/** The widths that a configuration gives by stages. */
export interface StageWidths {
  /** Width of each stage, the largest resolution first. */
  readonly channels: readonly number[];
  /** Width of one attention head in each stage; it stays. */
  readonly headDims: readonly number[];
  /** Norm groups that stage widths must be multiples of. */
  readonly normGroups: readonly number[];
  /** Stages that cannot become narrower, with the reason. */
  readonly fixed: ReadonlyMap<number, string>;
  /** Where a tensor is. Default: as in U-Nets. */
  readonly placeOf?: (tensor: string, last: number) => Place;
}

/** In U-Nets that embed timesteps. */
export const firstStageIsFixed: ReadonlyMap<number, string> = new Map([
  [0, 'the first stage’s width also sets the sines of the timestep'],
]);

/**
 * What such a configuration can say about widths: one number per stage (`block_out_channels`), from which follow every
 * width of the stage and its number of heads, and one for the time embedding. The width of a head is one number for a stage
 * or the whole model and stays. An autoencoder's configuration does the same for both of its halves at once.
 *
 * Neighbouring stages of one width pass their channels on without a shortcut convolution: they shrink together.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function stageTies(widths: StageWidths, coupling: Coupling, roundTo: number): WidthTies {
  const last = widths.channels.length - 1;
  const { placeOf = placeInUNet } = widths;
  const places = new Map(coupling.groups.map((group) => [group, placesOf(group, (tensor) => placeOf(tensor, last))]));
  const together = joinedStages([...places.values()], last);
  const reasons = new Map([...widths.fixed].map(([stage, reason]) => [together[stage]!, reason]));
  const fixed = new Map<string, string>();
  const stages = new Map<number, Group[]>();
  const time: Group[] = [];
  for (const [group, [first, ...others]] of places) {
    if (first === 'time' && others.length === 0) time.push(group);
    else if (typeof first !== 'number' || others.some((place) => typeof place !== 'number'))
      fixed.set(group.id, 'the configuration has no field for its width');
    else if (reasons.has(together[first]!)) fixed.set(group.id, reasons.get(together[first]!)!);
    else if (group.kind === 'head-dim') fixed.set(group.id, 'the configuration lets heads go, and keeps their width');
    else stages.set(together[first]!, [...(stages.get(together[first]!) ?? []), group]);
  }
  const normed = new Set(coupling.norms.flatMap(({ channels }) => channels.map((channel) => channel?.group)));
  const ties: WidthTie[] = [];
  for (const [stage, groups] of [...stages].sort(([a], [b]) => a - b)) {
    const members = together.flatMap((root, i) => (root === stage ? [i] : []));
    const tie = tieOfStages(members, groups, normed, widths, roundTo);
    if (tie) ties.push(tie);
    else for (const group of groups) fixed.set(group.id, `stage ${stage} cannot shrink by whole norm groups and heads`);
  }
  const tie = tieOfTime(time, roundTo);
  if (tie) ties.push(tie);
  return { ties, fixed };
}

/** Stages, or parts without one, that the producers of a group lie in. */
function placesOf(group: Group, placeOf: (tensor: string) => Place): Place[] {
  const places = new Set<Place>();
  for (const { role, tensor } of group.slices) if (role === 'producer') places.add(placeOf(tensor));
  return [...places];
}

export function placeInUNet(tensor: string, last: number): Place {
  if (/^(?:time|add)_embedding\./.test(tensor)) return 'time';
  if (tensor.startsWith('conv_in.')) return 0;
  if (tensor.startsWith('mid_block.')) return last;
  const block = /^(down|up)_blocks\.(\d+)\./.exec(tensor);
  if (!block) return 'elsewhere';
  return block[1] === 'down' ? Number(block[2]) : last - Number(block[2]);
}

/** For every stage the first of those that share channels with it, itself included. */
function joinedStages(places: readonly Place[][], last: number): number[] {
  const roots = Array.from({ length: last + 1 }, (_, i) => i);
  for (const list of places) {
    const stages = list.filter((place) => typeof place === 'number');
    const joined = new Set(stages.map((stage) => roots[stage]!));
    const first = Math.min(...joined);
    roots.forEach((root, i) => {
      if (joined.has(root)) roots[i] = first;
    });
  }
  return roots;
}

/** @param stages  the stages that shrink together; they have one width */
function tieOfStages(
  stages: readonly number[],
  groups: readonly Group[],
  normed: ReadonlySet<string | undefined>,
  widths: StageWidths,
  roundTo: number,
): WidthTie | undefined {
  const width = widths.channels[stages[0]!]!;
  const normGroups = widths.normGroups.reduce(leastCommonMultiple, 1);
  const headDims = groups.some((group) => group.kind === 'head') ? stages.map((stage) => widths.headDims[stage]!) : [];
  const quantum = [normGroups, roundTo, ...headDims].reduce(leastCommonMultiple);
  if (width % quantum !== 0) return undefined;
  const entries = groups.map(({ id }) => ({ id, cells: normed.has(id) ? normGroups : 1 }));
  const name = stages.length === 1 ? `stage ${stages[0]}` : `stages ${stages.join(' and ')}`;
  return { name, steps: width / quantum, groups: entries };
}

/** All layers of the time embedding have one width, that of the text and picture sizes that are added to it included. */
function tieOfTime(groups: readonly Group[], roundTo: number): WidthTie | undefined {
  const size = groups[0]?.size;
  if (groups.length < 2 || size === undefined || size % roundTo !== 0) return undefined;
  if (groups.some((group) => group.size !== size)) return undefined;
  return { name: 'time embedding', steps: size / roundTo, groups: groups.map(({ id }) => ({ id, cells: 1 })) };
}
