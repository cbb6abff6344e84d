import type { PluginFactory } from '../plugin.js';
import { defineSelector, type Selector } from '../selector.js';
import { chooseLayers } from './choose-layers.js';
import { cheapestCover } from './pareto.js';

/**
 * The layers whose scores have the lowest sum, of all choices that save enough: a 0/1 knapsack in what the budget counts. A
 * ratio is one of the parameters. Exact for what every layer saves by itself; layers that go together may save more.
 */
export const knapsack: PluginFactory<Selector, object> = defineSelector<object>({
  name: 'knapsack',
  apiVersion: 1,
  summary: 'Of whole layers those that save enough at the lowest sum of scores.',
  defaults: {},
  select: (context) => chooseLayers(context, 'knapsack', cheapestCover),
});
