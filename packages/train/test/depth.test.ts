import type { Model } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { couple, dimEquals, removeUnits, type Tensor, toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { createSampler } from '@secateur/samplers';
import { fixturePath, loadFixtureTensors } from '@secateur/testkit';
import { outputDistillation, sampleSet, type TrainOptions, train } from '@secateur/train';
import { describe, expect, it } from 'vitest';

const engine = await nodeEngine({ threads: 1 });

const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
const noise = { _class_name: 'DDPMScheduler' };

/** A module that goes, for every class of denoisers. */
const cases: readonly [fixture: string, removed: string, scheduler: object][] = [
  ['unet2d-tiny', 'mid_block', noise],
  ['unet2d-cond-sd1', 'mid_block', noise],
  ['unet2d-cond-sdxl', 'mid_block', noise],
  ['dit', 'transformer_blocks.1', noise],
  ['pixart', 'transformer_blocks.1', noise],
  ['sd3', 'transformer_blocks.0.ff', flow],
  ['flux', 'single_transformer_blocks.1', flow],
];

/** The fixture's inputs as training data. */
function dataOf({ graph }: Model, fixture: string): Pick<TrainOptions, 'data' | 'names'> {
  const golden = loadFixtureTensors(`${fixture}/golden.safetensors`);
  const [sample] = graph.inputs.filter(({ name }) => name === 'sample' || name === 'hidden_states');
  const given = (name: string) => golden[`in.${name}`] as Tensor;
  const conditions: Record<string, Tensor> = {};
  const shared: Record<string, Tensor> = {};
  for (const { name, shape } of graph.inputs) {
    if (name === sample.name || name === 'timestep') continue;
    (shape.length > 0 && dimEquals(shape[0], sample.shape[0]) ? conditions : shared)[name] = given(name);
  }
  return {
    data: sampleSet({ samples: given(sample.name), conditions, shared }),
    names: { sample: sample.name, timestep: 'timestep' },
  };
}

describe.each(cases)('%s without %s', (fixture, removed, scheduler) => {
  it('learns to do again what the whole model does', async () => {
    const dense = await diffusersFormat.load({ folder: await nodeFolder(fixturePath(fixture)) });
    const coupling = couple(dense.graph);
    const unit = coupling.depth.find(({ id }) => id === removed);
    expect(unit?.id, coupling.depth.map(({ id }) => id).join(' ')).toBe(removed);
    const pruned: Model = { ...dense, graph: removeUnits(coupling, new Map([[removed, [0]]])).graph };
    const { report, model } = await train(pruned, {
      ...dataOf(dense, fixture),
      engine,
      threads: 1,
      sampler: createSampler(scheduler as { _class_name: string }),
      teacher: dense,
      losses: [outputDistillation()],
      timesteps: [5],
      steps: 40,
      batchSize: 2,
      learningRate: { peak: 3e-3, schedule: 'cosine' },
    });
    const mean = (losses: readonly number[]) => losses.reduce((a, b) => a + b, 0) / losses.length;
    expect(report.losses[0]).toBeGreaterThan(0);
    expect(mean(report.losses.slice(-5))).toBeLessThan(0.5 * mean(report.losses.slice(0, 5)));
    // Shapes stay; of the layer that went nothing is left.
    for (const [name, constant] of model.graph.constants) {
      expect(constant.parameter?.name.startsWith(`${removed}.`) ?? false, name).toBe(false);
      expect(constant.shape).toEqual(pruned.graph.constants.get(name)!.shape);
      if (constant.parameter && !constant.parameter.buffer) {
        expect(toFloat32(await constant.read()).every(Number.isFinite), name).toBe(true);
      }
    }
  });
});
