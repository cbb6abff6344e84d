import { type Coupling, couple, evaluateGraph, type Graph, removeUnits, sizeOf } from '@secateur/graph';
import { expectClose, loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { asExpressed, modelFromWeights, randomTensors, shapesOf, unet2dConditionModel } from '../../src/index.js';
import { feedsOf, inMemory, readJson } from '../support/fixtures.js';

const original = readJson('configs/sd-v1-5/config.json');

/** What BK-SDM (arXiv 2305.15798) removes from Stable Diffusion 1. */
const base = (stages: number) => [
  ...Array.from({ length: stages }, (_, i) => `down_blocks.${i}.resnets.1+up_blocks.${stages - 1 - i}.resnets.1`),
];
const edits = {
  'bk-sdm-base': base(4),
  'bk-sdm-small': [...base(4), 'mid_block'],
  'bk-sdm-tiny': [...base(4).slice(0, 3), 'down_blocks.3+up_blocks.0'],
} as const;

function without(coupling: Coupling, ids: readonly string[]): Graph {
  return removeUnits(coupling, new Map(ids.map((id) => [id, [0]]))).graph;
}

describe('BK-SDM from the shape of Stable Diffusion 1.5', () => {
  const coupling = couple(unet2dConditionModel.outline(original).graph);

  it.each([
    ['bk-sdm-base', 579_384_964],
    ['bk-sdm-small', 482_346_884],
    ['bk-sdm-tiny', 323_384_964],
  ] as const)('is what is left without the pairs, the middle, the innermost stage: %s', (name, parameters) => {
    const graph = without(coupling, edits[name]);
    const shapes = shapesOf(graph);
    expect([...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0)).toBe(parameters);
    const { config, names } = unet2dConditionModel.expressed(original, graph)!;
    const published = readJson(`configs/${name}/config.json`);
    const meant = (json: object) =>
      Object.fromEntries(Object.entries(json).filter(([field]) => !field.startsWith('_')));
    expect(meant(config)).toEqual(meant(published));
    // Tensors are named as the published configuration numbers its layers.
    const specs = unet2dConditionModel.tensors(published);
    const renamed = new Map([...shapes].map(([tensor, shape]) => [names.get(tensor) ?? tensor, shape]));
    expect(Object.fromEntries(renamed)).toEqual(Object.fromEntries(specs.map((spec) => [spec.name, spec.shape])));
    const moved = name === 'bk-sdm-tiny' ? ['up_blocks.1.', 'up_blocks.0.'] : ['up_blocks.1.', 'up_blocks.1.'];
    const [from, to] = moved as [string, string];
    expect(names.get(`${from}resnets.2.conv1.weight`)).toBe(`${to}resnets.1.conv1.weight`);
    expect(names.get(`${from}attentions.2.proj_in.bias`)).toBe(`${to}attentions.1.proj_in.bias`);
  });

  it('needs the pairs: a layer of one side alone leaves nothing that a configuration says', () => {
    expect(unet2dConditionModel.expressed(original, without(coupling, ['down_blocks.0.resnets.1']))).toBeUndefined();
    expect(unet2dConditionModel.expressed(original, without(coupling, ['up_blocks.1.resnets.1:pass']))).toBeUndefined();
    // Names and shapes would be those of a configuration, but another skip would be read.
    const other = ['down_blocks.3.resnets.1', 'up_blocks.0.resnets.2:pass'];
    const rest = base(4).slice(0, 3);
    expect(unet2dConditionModel.expressed(original, without(coupling, [...rest, ...other]))).toBeUndefined();
  });
});

/** Three stages of two layers, the inner two equally wide and the innermost without attention, as in Stable Diffusion. */
const small = {
  ...readJson('unet2d-cond-sd1/config.json'),
  block_out_channels: [16, 32, 32],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: 2,
};

describe('BK-SDM from a small model of that topology', () => {
  const feeds = feedsOf(loadFixtureTensors('unet2d-cond-sd1/golden.safetensors'));
  const weights = randomTensors(unet2dConditionModel.tensors(small), 3);
  const model = modelFromWeights('small', small, weights);

  it.each([
    ['pairs', base(3)],
    ['pairs and the middle', [...base(3), 'mid_block']],
    ['pairs and the innermost stage', [...base(3).slice(0, 2), 'down_blocks.2+up_blocks.0']],
  ])('computes what surgery leaves, built from the configuration and renamed tensors: without %s', async (_, ids) => {
    const graph = without(couple(await inMemory(model.graph)), ids);
    const said = asExpressed({ ...model, graph });
    expect(said.config).toMatchObject({ layers_per_block: 1 });
    const [a, b] = [evaluateGraph(graph, feeds), evaluateGraph(said.graph, feeds)];
    // The same operators in the same order.
    expectClose(a.out.data as Float32Array, b.out.data as Float32Array, 0, 'out');
  });
});
