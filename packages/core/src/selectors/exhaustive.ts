import { SecateurError } from '@secateur/graph';
import type { PluginFactory } from '../plugin.js';
import { defineSelector, type Selector } from '../selector.js';
import { chooseLayers, type LayerChoice, layersOf } from './choose-layers.js';

/** 2^20 subsets take a second. */
const MOST_ITEMS = 20;

/** What `knapsack` finds, by trying all subsets of up to 20 layers: to check it by. */
export const exhaustive: PluginFactory<Selector, object> = defineSelector<object>({
  name: 'exhaustive',
  apiVersion: 1,
  summary: 'What knapsack finds, by trying all subsets of up to 20 layers.',
  defaults: {},
  select: (context) => chooseLayers(context, 'exhaustive', cheapestSubset),
});

/** @throws {SecateurError} BAD_OPTION for more than 20 items */
export function cheapestSubset({ items, target, layers }: LayerChoice): number[] | undefined {
  if (items.length > MOST_ITEMS) {
    throw new SecateurError(
      'BAD_OPTION',
      `${items.length} layers have too many subsets to try; up to ${MOST_ITEMS} can be.`,
      {
        field: 'selector',
        hint: 'The selector knapsack finds the same; --ignore leaves layers out.',
      },
    );
  }
  let best: number[] | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  const chosen: number[] = [];
  const visit = (at: number, saved: number, score: number): void => {
    if (saved >= target && score < lowest && layersOf(items, chosen).size < layers) {
      lowest = score;
      best = [...chosen];
    }
    for (let next = at; next < items.length; next++) {
      if (chosen.some((one) => items[one].layers.some((layer) => items[next].layers.includes(layer)))) continue;
      chosen.push(next);
      visit(next + 1, saved + items[next].saving, score + items[next].score);
      chosen.pop();
    }
  };
  visit(0, 0, 0);
  return best;
}
