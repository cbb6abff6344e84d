import { type Criterion, defineCriterion, type PluginFactory } from '@secateur/core';
import { everyKind } from './unit-kinds.js';

/** Uniform scores from the seed: the baseline that any criterion must beat. */
export const random: PluginFactory<Criterion, object> = defineCriterion<object>({
  name: 'random',
  apiVersion: 1,
  summary: 'Uniform scores from the seed: the baseline that any criterion must beat.',
  defaults: {},
  units: everyKind,
  needs: [],
  score: (group, { random: draw }) => Float32Array.from({ length: group.size }, (_, unit) => draw(group, unit)),
  scoreTensor: (tensor, { random: draw }) => tensor.weights.map((_, element) => draw(element)),
});
