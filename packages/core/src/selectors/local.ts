import type { PluginFactory } from '../plugin.js';
import { defineSelector, type Selector } from '../selector.js';
import { cutGroups, meetBudget } from './choose.js';
import { areDepthUnits, cutRanked } from './rank-depth.js';

/** Every group loses the same share of its units, the lowest-scored ones; layers and blocks are one group. */
export const localRanking: PluginFactory<Selector, object> = defineSelector<object>({
  name: 'local',
  apiVersion: 1,
  summary: 'Every group loses the same share of its units.',
  defaults: {},
  select: (context) => {
    const { groups } = context;
    if (areDepthUnits(groups)) return meetBudget(context, (level) => cutRanked(context, groups, level));
    return meetBudget(context, (level) => cutGroups(context, () => level));
  },
});
