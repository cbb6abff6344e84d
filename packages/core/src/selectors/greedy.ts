import { choiceSchema } from '../choice-schema.js';
import type { PluginFactory } from '../plugin.js';
import { defineSelector, type Selector } from '../selector.js';
import { chooseLayers, type LayerItem, type LayerSolver } from './choose-layers.js';

export interface GreedyOptions {
  /** What the layers are taken by, lowest first: their score divided by what they save, or their score. Default `value`. */
  by: 'value' | 'score';
}

/** Layers one after another, until enough is saved. */
export const greedy: PluginFactory<Selector, GreedyOptions> = defineSelector<GreedyOptions>({
  name: 'greedy',
  apiVersion: 1,
  summary: 'Whole layers one after another, the lowest score for what it saves first.',
  defaults: { by: 'value' },
  options: choiceSchema<GreedyOptions>(
    { by: { of: ['value', 'score'], description: 'Score for what is saved, or score alone' } },
    { by: 'value' },
  ),
  select: (context) => chooseLayers(context, 'greedy', oneByOne(context.options.by)),
});

/** Of layers that lie in one another the first goes; ties are broken by index. */
function oneByOne(by: GreedyOptions['by']): LayerSolver {
  const keyOf = ({ score, saving }: LayerItem): number => (by === 'score' ? score : score / saving);
  return ({ items, target, layers }) => {
    const useful = [...items.keys()].filter((at) => items[at].saving > 0);
    const order = useful.sort((a, b) => keyOf(items[a]) - keyOf(items[b]) || a - b);
    const gone = new Set<string>();
    const chosen: number[] = [];
    let saved = 0;
    for (const at of order) {
      if (saved >= target) break;
      const { layers: own, saving } = items[at];
      if (own.some((layer) => gone.has(layer)) || gone.size + own.length >= layers) continue;
      for (const layer of own) gone.add(layer);
      chosen.push(at);
      saved += saving;
    }
    return saved >= target ? chosen.sort((a, b) => a - b) : undefined;
  };
}
