import {
  type Criterion,
  combine,
  defineCriterion,
  forEachOfUnit,
  type GroupView,
  type PluginFactory,
  type SliceView,
  weights,
} from '@secateur/core';
import { widthKinds } from './unit-kinds.js';

/**
 * Distance to all other units: those near the geometric median can be replaced by the rest (FPGM, arXiv 1811.00250,
 * eq. 8). Per producing tensor the sum of Euclidean distances between units; tensors averaged.
 */
export const fpgm: PluginFactory<Criterion, object> = defineCriterion<object>({
  name: 'fpgm',
  apiVersion: 1,
  summary: 'Distance to all other units: those near the geometric median go.',
  defaults: {},
  units: widthKinds,
  needs: [weights()],
  score: (group, context) => {
    const producers = group.slices.filter(({ role }) => role === 'producer');
    return combine(
      producers.map((slice) => distances(group, slice, context.weights(slice))),
      'mean',
      'mean',
    );
  },
});

/** Sum of distances from every unit to all others. `[size]` */
function distances(group: GroupView, slice: SliceView, data: Float32Array): Float64Array {
  const length = (data.length / slice.shape[slice.axis]) * slice.perUnit;
  const rows = new Float64Array(group.size * length);
  for (let unit = 0; unit < group.size; unit++) {
    let at = unit * length;
    forEachOfUnit(slice, unit, (element) => {
      rows[at++] = data[element];
    });
  }
  const sums = new Float64Array(group.size);
  for (let a = 0; a < group.size; a++) {
    for (let b = a + 1; b < group.size; b++) {
      let squared = 0;
      for (let i = 0; i < length; i++) {
        const difference = rows[a * length + i] - rows[b * length + i];
        squared += difference * difference;
      }
      const distance = Math.sqrt(squared);
      sums[a] += distance;
      sums[b] += distance;
    }
  }
  return sums;
}
