import type { Group, Removal } from '@secateur/graph';
import type { PluginFactory } from '../plugin.js';
import { defineSelector, type SelectContext, type Selector } from '../selector.js';
import { cutGroupAt, meetBudget } from './choose.js';

export interface GlobalOptions {
  /** What makes scores of different groups comparable before ranking: division by their mean, or nothing. Default `mean`. */
  normalize: 'mean' | 'none';
}

/** All units of all groups in one ranking: groups that matter less lose more. */
export const globalRanking: PluginFactory<Selector, GlobalOptions> = defineSelector<GlobalOptions>({
  name: 'global',
  apiVersion: 1,
  summary: 'All units in one ranking; groups that matter less lose more.',
  defaults: { normalize: 'mean' },
  select: (context) => {
    const rank = ranking(context, context.groups, context.options.normalize);
    return meetBudget(context, (level) => cutRanked(context, rank, level));
  },
});

/**
 * Ranks within isomorphic groups: those whose units are made of the same slices (kinds, roles and sizes) share a ranking
 * and lose the same number of units among them (Isomorphic Pruning, arXiv 2407.04616).
 */
export const isomorphicRanking: PluginFactory<Selector, GlobalOptions> = defineSelector<GlobalOptions>({
  name: 'isomorphic',
  apiVersion: 1,
  summary: 'One ranking for each set of groups of the same structure.',
  defaults: { normalize: 'none' },
  select: (context) => {
    const classes = new Map<string, Group[]>();
    for (const group of context.groups) {
      const key = structureOf(group);
      classes.set(key, [...(classes.get(key) ?? []), group]);
    }
    const rankings = [...classes.values()].map((groups) => ranking(context, groups, context.options.normalize));
    return meetBudget(context, (level) => new Map(rankings.flatMap((rank) => [...cutRanked(context, rank, level)])));
  },
});

interface Ranking {
  readonly groups: readonly Group[];
  /** Share of units of all groups that lie at or below every unit, by group. */
  readonly standing: ReadonlyMap<string, Float64Array>;
}

function ranking(
  context: Pick<SelectContext<object>, 'scores'>,
  groups: readonly Group[],
  normalize: GlobalOptions['normalize'],
): Ranking {
  const units = groups.flatMap((group, g) => {
    const scores = context.scores.get(group.id)!;
    const mean = normalize === 'mean' ? scores.reduce((sum, score) => sum + score, 0) / scores.length || 1 : 1;
    return Array.from(scores, (score, unit) => ({ g, unit, score: score / mean }));
  });
  units.sort((a, b) => a.score - b.score || a.g - b.g || a.unit - b.unit);
  const standing = new Map(groups.map((group) => [group.id, new Float64Array(group.size)]));
  units.forEach(({ g, unit }, position) => {
    standing.get(groups[g].id)![unit] = (position + 1) / units.length;
  });
  return { groups, standing };
}

/** Removes the units that stand at or below `level`, as evenly over cells as the norm-group rule demands. */
function cutRanked(context: Omit<SelectContext<object>, 'options'>, rank: Ranking, level: number): Removal {
  const removal = new Map<string, number[]>();
  const shareOf = new Map<number, { below: number; size: number }>();
  for (const group of rank.groups) {
    const { component } = context.plan.cells.get(group.id)!;
    const share = shareOf.get(component) ?? { below: 0, size: 0 };
    share.below += rank.standing.get(group.id)!.filter((standing) => standing <= level).length;
    share.size += group.size;
    shareOf.set(component, share);
  }
  for (const group of rank.groups) {
    const cells = context.plan.cells.get(group.id)!;
    const { below, size } = shareOf.get(cells.component)!;
    const ratio = context.ratios[group.id] ?? below / size;
    removal.set(group.id, cutGroupAt(context, cells, ratio));
  }
  return removal;
}

function structureOf(group: Group): string {
  return [group.kind, ...group.slices.map((slice) => `${slice.role}:${slice.axis}:${slice.perUnit}`)].join('|');
}
