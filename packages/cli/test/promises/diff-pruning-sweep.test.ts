import { collectStatistics, gradients as gradientsNeed, type Model } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { couple, toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { calibration, createSampler } from '@secateur/samplers';
import { type FixtureTensor, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { zooPath } from '@secateur/zoo/node';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * The sweep of Diff-Pruning on the trained DDPM against PyTorch: one batch of 8 test images, one noise tensor, ascending t,
 * gradients summed with sign, stop at L_t < 0.05 L_max with the stopping timestep included.
 */
describe('the sweep on fashion-ddpm-32', () => {
  let model: Model;
  let reference: Record<string, FixtureTensor>;
  beforeAll(async () => {
    model = await diffusersFormat.load({ folder: await nodeFolder(zooPath('fashion-ddpm-32')) });
    reference = loadFixtureTensors('fashion-ddpm-32/diff-pruning.safetensors');
  });

  it('stops where PyTorch stops, with its losses and its accumulated |w·Σg|', async () => {
    const data = calibration({
      images: reference.images,
      noise: reference.noise,
      sampler: createSampler(model.scheduler!),
    });
    const { losses, stoppedAt, gradients } = await collectStatistics({
      model,
      coupling: couple(model.graph),
      needs: [gradientsNeed({ accumulate: 'sum', stop: { threshold: 0.05, order: 'backward-first' } })],
      engine: await nodeEngine({ threads: 2 }),
      data,
      timestepsPerRun: 5,
      lossSpacing: 1,
    });
    expect(stoppedAt).toBe(354);
    const expected = toFloat32(reference.loss_per_timestep);
    expect(losses.map(({ timestep }) => timestep)).toEqual(Array.from({ length: 1000 }, (_, t) => t));
    for (const { timestep, loss } of losses)
      expect(Math.abs(loss - expected[timestep]) / expected[timestep]).toBeLessThan(1e-4);
    // A key bias before a softmax has an exactly zero gradient; the reference holds rounding noise there.
    const largest = Object.entries(reference).flatMap(([name, { data }]) =>
      name.startsWith('taylor_') ? [Math.max(...(data as Float32Array))] : [],
    );
    const floor = 1e-4 * Math.max(...largest);
    for (const [name, constant] of model.graph.constants) {
      if (!constant.parameter) continue;
      const weights = toFloat32(await constant.read());
      const sums = gradients!.get(name)!;
      const products = weights.map((weight, i) => Math.abs(weight * sums[i]));
      for (const [prefix, axis] of [
        ['taylor_out', 0],
        ['taylor_in', 1],
      ] as const) {
        const wanted = reference[`${prefix}.${constant.parameter.name}`];
        if (!wanted) continue;
        const actual = sumsAlong(products, constant.shape, axis);
        expect(relativeError(actual, toFloat32(wanted), floor), `${prefix}.${name}`).toBeLessThan(1e-3);
      }
    }
  }, 600_000);
});

function sumsAlong(values: Float32Array, shape: readonly number[], axis: number): Float64Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const sums = new Float64Array(shape[axis]);
  values.forEach((value, i) => {
    sums[Math.floor(i / inner) % shape[axis]] += value;
  });
  return sums;
}
