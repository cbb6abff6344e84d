import { type Criterion, type CriterionDefinition, defineCriterion, weights } from '../../src/index.js';

/** A criterion that scores channels, with parts replaced. */
export function criterionWith(overrides: Partial<CriterionDefinition<object>> = {}): Criterion {
  return defineCriterion<object>({
    name: 'mine',
    apiVersion: 1,
    defaults: {},
    units: ['channel', 'head', 'head-dim'],
    needs: [weights()],
    ...overrides,
  })();
}

/** Scores units and elements by position: the first matter least. */
export const byPosition: Criterion = criterionWith({
  name: 'by-position',
  score: ({ size }) => Float32Array.from({ length: size }, (_, i) => i + 1),
  scoreTensor: ({ weights: values }) => Float32Array.from(values, (_, i) => i + 1),
});
