import { type Criterion, combine, defineCriterion, type PluginFactory, sumPerUnit, weights } from '@secateur/core';

/**
 * |γ| of the norms over a channel, averaged over them (network slimming, arXiv 1708.06519, with GroupNorm's scale in the
 * place of BatchNorm's). Groups without a norm are left whole: there is nothing to go by.
 */
export const normScale: PluginFactory<Criterion, object> = defineCriterion<object>({
  name: 'norm-scale',
  apiVersion: 1,
  summary: 'Magnitude of the scales of the norms over a channel.',
  defaults: {},
  units: ['channel'],
  needs: [weights()],
  score: (group, context) => {
    const parts = group.slices
      .filter(({ role }) => role === 'scale')
      .map((slice) => {
        const data = context.weights(slice);
        return sumPerUnit(slice, group.size, (element) => Math.abs(data[element]));
      });
    return combine(parts, 'mean', 'none');
  },
});
