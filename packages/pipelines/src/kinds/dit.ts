import type { Model } from '@secateur/core';
import { int64, SecateurError } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import { isGuided, type PipelineKind } from './kind.js';

/**
 * DiT: class labels, guided by one more label that stands for "no class". Learned variances are left aside, as in
 * diffusers' pipeline.
 *
 * @param config  the transformer's configuration
 * @throws {SecateurError} BAD_OPTION when the model needs anything else
 */
export function dit(model: Model, inputs: DenoiserInputs, config: Readonly<Record<string, unknown>>): PipelineKind {
  refuseOtherConditions(model, inputs, ['class_labels']);
  const classes = typeof config.num_embeds_ada_norm === 'number' ? config.num_embeds_ada_norm : 1000;
  return {
    name: 'DiT',
    takes: 'labels',
    steps: 50,
    guidanceScale: 4,
    cutsVariance: true,
    async conditions(request) {
      const { labels, count } = request;
      const outside = labels.find((label) => label < 0 || label > classes);
      if (outside !== undefined) {
        throw new SecateurError('BAD_OPTION', `Class label ${outside} is out of range; there are 0..${classes - 1}.`, {
          field: 'classLabels',
        });
      }
      const given = { class_labels: int64(labels) };
      const none = { class_labels: int64(new Array<number>(count).fill(classes)) };
      return isGuided(request) ? { given, without: none } : { given };
    },
    dispose: async () => {},
  };
}
