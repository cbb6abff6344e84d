import { int64 } from '@secateur/graph';
import { zooEntries } from '@secateur/zoo';
import { zooImages, zooLabels } from '@secateur/zoo/node';
import { calibration, createSampler, loadModel, sampleSet } from 'secateur';

/** Models of the league by the name used in cells. */
export const models = {
  ddpm: { zoo: 'fashion-ddpm-32' },
  dit: { zoo: 'fashion-dit' },
};

export function isInZoo(name) {
  return zooEntries.some((entry) => entry.name === models[name].zoo);
}

/** A model with all the data that cells need of it. */
export async function openModel(name) {
  const dense = await loadModel(`zoo:${models[name].zoo}`);
  const sampler = createSampler(dense.scheduler);
  const hasLabels = dense.graph.inputs.some((input) => input.name === 'class_labels');
  const { num_class_embeds: ofUNet, num_embeds_ada_norm: ofTransformer } = dense.config ?? {};
  const names = inputNamesOf(dense.graph);
  const conditionsOf = async (offset, count) =>
    hasLabels ? { class_labels: int64(await zooLabels({ offset, count })) } : undefined;
  return {
    name,
    dense,
    sampler,
    names,
    /** `[channels, height, width]` */
    shape: (await zooImages({ count: 1 })).shape.slice(1),
    classes: hasLabels ? (ofUNet ?? ofTransformer) : undefined,
    images: ({ offset, images }) => zooImages({ offset, count: images }),
    async calibration({ offset, images }, seed) {
      const perSample = await conditionsOf(offset, images);
      return calibration({
        images: await zooImages({ offset, count: images }),
        noise: seed,
        sampler,
        names,
        conditions: perSample && { perSample },
        source: `zoo:fashion-mnist, ${images} from ${offset} on`,
      });
    },
    async trainingSet({ offset, images }) {
      const conditions = await conditionsOf(offset, images);
      return sampleSet({
        samples: await zooImages({ offset, count: images }),
        ...(conditions && { conditions }),
        source: `zoo:fashion-mnist, ${images} from ${offset} on`,
      });
    },
  };
}

function inputNamesOf({ inputs }) {
  const sample = inputs.find(({ name }) => name === 'sample' || name === 'hidden_states');
  return { sample: sample.name, timestep: 'timestep' };
}
