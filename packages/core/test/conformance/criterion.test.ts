import { testCriterion, testMethod } from '../../src/conformance.js';
import { activations, defineCriterion, defineMethod, gradients, pipelineSteps, weights } from '../../src/index.js';

/** Uses everything that a criterion can be given. */
const everything = defineCriterion<{ scale: number }>({
  name: 'everything',
  apiVersion: 1,
  defaults: { scale: 1 },
  units: ['channel', 'head', 'head-dim'],
  needs: [weights(), gradients(), activations()],
  score: (group, { weights: values, gradients: slopes, inputNorms, random, options }) => {
    const [slice] = group.slices;
    const bonus = inputNorms(slice)?.norms[0] ?? 0;
    const sum = values(slice)[0] * slopes(slice)[0];
    return Float32Array.from({ length: group.size }, (_, unit) => options.scale * sum + bonus + random(group, unit));
  },
  scoreTensor: ({ weights: values }, context) =>
    values.map(
      (value, i) => Math.abs(value * context.gradients()[i]) + context.inputNorms().norms[0] + context.random(i),
    ),
});

testCriterion(everything, { variants: [{ scale: 2 }] });
testMethod(
  defineMethod<object>({
    name: 'everything-method',
    apiVersion: 1,
    defaults: {},
    steps: (context) => pipelineSteps(context, { criterion: everything(), timesteps: [0, 1] }),
  }),
);
