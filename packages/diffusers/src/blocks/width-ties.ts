import type { WidthTie, WidthTies } from '@secateur/core';
import type { Coupling, Group } from '@secateur/graph';

/** The widths that a U-Net's configuration gives. */
export interface UNetWidths {
  /** Width of each stage, the largest resolution first. */
  readonly channels: readonly number[];
  /** Width of one attention head in each stage; it stays. */
  readonly headDims: readonly number[];
  /** Norm groups that stage widths must be multiples of. */
  readonly normGroups: readonly number[];
}

/**
 * What a U-Net's configuration can say about widths: one number per stage (`block_out_channels`), from which follow every
 * width of the stage and its number of heads, and one for the time embedding. The first stage's width also sets the sines
 * of the timestep and stays; the width of a head is one number for a stage or the whole model and stays.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function unetTies(widths: UNetWidths, coupling: Coupling, roundTo: number): WidthTies {
  const fixed = new Map<string, string>();
  const stages = new Map<number, Group[]>();
  const time: Group[] = [];
  for (const group of coupling.groups) {
    const stage = stageOf(group, widths.channels.length - 1);
    if (stage === 'time') time.push(group);
    else if (stage === undefined)
      fixed.set(group.id, 'it joins stages that have widths of their own in the configuration');
    else if (stage === 0) fixed.set(group.id, 'the first stage’s width also sets the sines of the timestep');
    else if (group.kind === 'head-dim') fixed.set(group.id, 'the configuration lets heads go, and keeps their width');
    else stages.set(stage, [...(stages.get(stage) ?? []), group]);
  }
  const normed = new Set(coupling.norms.flatMap(({ channels }) => channels.map((channel) => channel?.group)));
  const ties: WidthTie[] = [];
  for (const [stage, groups] of [...stages].sort(([a], [b]) => a - b)) {
    const tie = tieOfStage(stage, groups, normed, widths, roundTo);
    if (tie) ties.push(tie);
    else for (const group of groups) fixed.set(group.id, `stage ${stage} cannot shrink by whole norm groups and heads`);
  }
  const tie = tieOfTime(time, roundTo);
  if (tie) ties.push(tie);
  return { ties, fixed };
}

/** Stage that all producers of a group lie in. */
function stageOf(group: Group, last: number): number | 'time' | undefined {
  const stages = new Set(
    group.slices
      .filter(({ role }) => role === 'producer')
      .map(({ tensor }) => {
        if (/^(?:time|add)_embedding\./.test(tensor)) return 'time' as const;
        if (tensor.startsWith('conv_in.')) return 0;
        if (tensor.startsWith('mid_block.')) return last;
        const block = /^(down|up)_blocks\.(\d+)\./.exec(tensor);
        if (!block) return undefined;
        return block[1] === 'down' ? Number(block[2]) : last - Number(block[2]);
      }),
  );
  return stages.size === 1 ? [...stages][0] : undefined;
}

function tieOfStage(
  stage: number,
  groups: readonly Group[],
  normed: ReadonlySet<string | undefined>,
  widths: UNetWidths,
  roundTo: number,
): WidthTie | undefined {
  const width = widths.channels[stage]!;
  const normGroups = widths.normGroups.reduce(leastCommonMultiple, 1);
  const headDim = groups.some((group) => group.kind === 'head') ? widths.headDims[stage]! : 1;
  const quantum = leastCommonMultiple(leastCommonMultiple(normGroups, headDim), roundTo);
  if (width % quantum !== 0) return undefined;
  const entries = groups.map(({ id }) => ({ id, cells: normed.has(id) ? normGroups : 1 }));
  return { name: `stage ${stage}`, steps: width / quantum, groups: entries };
}

/** All layers of the time embedding have one width, that of the text and picture sizes that are added to it included. */
function tieOfTime(groups: readonly Group[], roundTo: number): WidthTie | undefined {
  const size = groups[0]?.size;
  if (groups.length < 2 || size === undefined || size % roundTo !== 0) return undefined;
  if (groups.some((group) => group.size !== size)) return undefined;
  return { name: 'time embedding', steps: size / roundTo, groups: groups.map(({ id }) => ({ id, cells: 1 })) };
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
