import type { Group, Removal } from '@secateur/graph';
import { choiceSchema } from '../choice-schema.js';
import type { OptionSchema, PluginFactory } from '../plugin.js';
import { defineSelector, type SelectContext, type Selector } from '../selector.js';
import { cutGroups, meetBudget } from './choose.js';
import { areDepthUnits, cutRanked } from './rank-depth.js';

type Context = Omit<SelectContext<object>, 'options'>;

export interface GlobalOptions {
  /**
   * What makes scores of different groups comparable before ranking: division by the mean of their magnitudes, or nothing.
   * Default `mean`.
   */
  normalize: 'mean' | 'none';
}

const schemaWith = (defaults: GlobalOptions): OptionSchema<GlobalOptions> =>
  choiceSchema<GlobalOptions>(
    { normalize: { of: ['mean', 'none'], description: 'What makes scores of different groups comparable' } },
    defaults,
  );

/** All units of all groups in one ranking: groups that matter less lose more. */
export const globalRanking: PluginFactory<Selector, GlobalOptions> = defineSelector<GlobalOptions>({
  name: 'global',
  apiVersion: 1,
  summary: 'All units in one ranking; groups that matter less lose more.',
  defaults: { normalize: 'mean' },
  options: schemaWith({ normalize: 'mean' }),
  select: (context) => {
    const { groups } = context;
    if (areDepthUnits(groups)) return meetBudget(context, (level) => cutRanked(context, groups, level));
    const rank = ranking(context, groups, context.options.normalize);
    return meetBudget(context, (level) => {
      const ratios = ratiosAt(context, rank, level);
      return cutGroups(context, ({ id }) => ratios.get(id)!);
    });
  },
});

/**
 * Ranks within isomorphic groups: those of one kind whose units are made of slices of the same roles, axes and counts share
 * a ranking, and every ranking loses the same share of its units (Isomorphic Pruning, arXiv 2407.04616). Default
 * `normalize`: `none`.
 */
export const isomorphicRanking: PluginFactory<Selector, GlobalOptions> = defineSelector<GlobalOptions>({
  name: 'isomorphic',
  apiVersion: 1,
  summary: 'One ranking for each set of groups of the same structure.',
  defaults: { normalize: 'none' },
  options: schemaWith({ normalize: 'none' }),
  select: (context) => {
    const classes = new Map<string, Group[]>();
    for (const group of context.groups) {
      const key = structureOf(group);
      const alike = classes.get(key);
      if (alike) alike.push(group);
      else classes.set(key, [group]);
    }
    if (areDepthUnits(context.groups))
      return meetBudget(context, (level) => cutAlike(context, classes.values(), level));
    const rankings = [...classes.values()].map((groups) => ranking(context, groups, context.options.normalize));
    return meetBudget(context, (level) => {
      const ratios = new Map(rankings.flatMap((rank) => [...ratiosAt(context, rank, level)]));
      return cutGroups(context, ({ id }) => ratios.get(id)!);
    });
  },
});

/** Of the layers of every structure the same share. */
function cutAlike(context: Context, classes: Iterable<readonly Group[]>, level: number): Removal {
  const removal = new Map<string, readonly number[]>();
  for (const groups of classes) {
    if (!areDepthUnits(groups)) continue;
    for (const [id, units] of cutRanked(context, groups, level)) removal.set(id, units);
  }
  return removal;
}

interface Ranking {
  readonly groups: readonly Group[];
  /** For every unit the share of all units ranked that stand at or below it, by group; in (0, 1]. */
  readonly standing: ReadonlyMap<string, Float64Array>;
}

/** Ties go by the order of groups, then by index. */
function ranking(
  context: Pick<SelectContext<object>, 'scores'>,
  groups: readonly Group[],
  normalize: GlobalOptions['normalize'],
): Ranking {
  const units = groups.flatMap((group, g) => {
    const scores = context.scores.get(group.id)!;
    const mean =
      normalize === 'mean' ? scores.reduce((sum, score) => sum + Math.abs(score), 0) / scores.length || 1 : 1;
    return Array.from(scores, (score, unit) => ({ g, unit, score: score / mean }));
  });
  units.sort((a, b) => a.score - b.score || a.g - b.g || a.unit - b.unit);
  const standing = new Map(groups.map((group) => [group.id, new Float64Array(group.size)]));
  units.forEach(({ g, unit }, position) => {
    standing.get(groups[g].id)![unit] = (position + 1) / units.length;
  });
  return { groups, standing };
}

/**
 * For every group the share of its units that stand at or below `level`; groups that must keep the same share (`preserve`)
 * are counted together.
 */
function ratiosAt(context: Pick<SelectContext<object>, 'plan'>, rank: Ranking, level: number): Map<string, number> {
  const componentOf = (group: Group) => context.plan.cells.get(group.id)!.component;
  const counts = new Map<number, { below: number; size: number }>();
  for (const group of rank.groups) {
    const count = counts.get(componentOf(group)) ?? { below: 0, size: 0 };
    count.below += rank.standing.get(group.id)!.filter((standing) => standing <= level).length;
    count.size += group.size;
    counts.set(componentOf(group), count);
  }
  return new Map(
    rank.groups.map((group) => {
      const { below, size } = counts.get(componentOf(group))!;
      // A hair less, or `int(size * (1 - below / size))` removes one unit too many where the division rounds up.
      return [group.id, Math.max(0, below / size - 1e-12)];
    }),
  );
}

function structureOf(group: Group): string {
  return [group.kind, ...group.slices.map((slice) => `${slice.role}:${slice.axis}:${slice.perUnit}`)].join('|');
}
