import type { WidthTie, WidthTies } from '@secateur/core';
import type { Coupling, Group } from '@secateur/graph';
import { parseUNet2DConfig, type UNet2DConfig } from './config.js';

/**
 * What a `UNet2DModel` configuration can say about widths: one number per stage (`block_out_channels`), from which follow
 * every width of the stage and its number of heads, and one for the time embedding. The first stage's width also sets the
 * sines of the timestep and stays; the width of a head is one number for the whole model and stays.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function unet2dTies(json: unknown, coupling: Coupling, roundTo: number): WidthTies {
  const config = parseUNet2DConfig(json);
  const fixed = new Map<string, string>();
  const stages = new Map<number, Group[]>();
  const time: Group[] = [];
  for (const group of coupling.groups) {
    const stage = stageOf(group, config);
    if (stage === 'time') time.push(group);
    else if (stage === undefined)
      fixed.set(group.id, 'it joins stages that have widths of their own in the configuration');
    else if (stage === 0) fixed.set(group.id, 'the first stage’s width also sets the sines of the timestep');
    else if (group.kind === 'head-dim') fixed.set(group.id, 'the width of a head is one number for the whole model');
    else stages.set(stage, [...(stages.get(stage) ?? []), group]);
  }
  const ties: WidthTie[] = [];
  for (const [stage, groups] of [...stages].sort(([a], [b]) => a - b)) {
    const tie = tieOfStage(stage, groups, config, roundTo);
    if (tie) ties.push(tie);
    else for (const group of groups) fixed.set(group.id, `stage ${stage} cannot shrink by whole norm groups and heads`);
  }
  if (time.length === 2 && time[0]!.size === time[1]!.size && time[0]!.size % roundTo === 0) {
    ties.push({
      name: 'time embedding',
      steps: time[0]!.size / roundTo,
      groups: time.map(({ id }) => ({ id, cells: 1 })),
    });
  }
  return { ties, fixed };
}

/** Stage that all producers of a group lie in. */
function stageOf(group: Group, config: UNet2DConfig): number | 'time' | undefined {
  const last = config.block_out_channels.length - 1;
  const stages = new Set(
    group.slices
      .filter(({ role }) => role === 'producer')
      .map(({ tensor }) => {
        if (tensor.startsWith('time_embedding.')) return 'time' as const;
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
  config: UNet2DConfig,
  roundTo: number,
): WidthTie | undefined {
  const width = config.block_out_channels[stage]!;
  const normGroups = leastCommonMultiple(config.norm_num_groups ?? 1, config.attn_norm_num_groups ?? 1);
  const headDim = groups.some((group) => group.kind === 'head') ? (config.attention_head_dim ?? 1) : 1;
  const quantum = leastCommonMultiple(leastCommonMultiple(normGroups, headDim), roundTo);
  if (width % quantum !== 0) return undefined;
  const entries = groups.map((group) => ({
    id: group.id,
    cells: group.kind === 'channel' && readsNorm(group) ? normGroups : 1,
  }));
  return { name: `stage ${stage}`, steps: width / quantum, groups: entries };
}

function readsNorm(group: Group): boolean {
  return group.slices.some(({ role }) => role === 'scale');
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
