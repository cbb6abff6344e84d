import { defineSelector, type Selector } from '../selector.js';
import type { PluginFactory } from '../plugin.js';
import { cutGroupAt, meetBudget } from './choose.js';

/** Every group loses the same share of its units, the lowest-scored ones. */
export const localRanking: PluginFactory<Selector, object> = defineSelector<object>({
  name: 'local',
  apiVersion: 1,
  summary: 'Every group loses the same share of its units.',
  defaults: {},
  select: (context) =>
    meetBudget(
      context,
      (level) =>
        new Map(
          context.groups.map((group) => [
            group.id,
            cutGroupAt(context, context.plan.cells.get(group.id)!, context.ratios[group.id] ?? level),
          ]),
        ),
    ),
});
