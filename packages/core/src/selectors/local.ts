import type { PluginFactory } from '../plugin.js';
import { defineSelector, type Selector } from '../selector.js';
import { cutGroups, meetBudget } from './choose.js';

/** Every group loses the same share of its units, the lowest-scored ones. */
export const localRanking: PluginFactory<Selector, object> = defineSelector<object>({
  name: 'local',
  apiVersion: 1,
  summary: 'Every group loses the same share of its units.',
  defaults: {},
  select: (context) => meetBudget(context, (level) => cutGroups(context, () => level)),
});
