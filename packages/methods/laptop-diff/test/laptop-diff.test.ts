import { type Calibration, memoryRunStore, type PruneOptions, parseBudget, prune } from '@secateur/core';
import { referenceEngine, tinyCalibration, tinyModel } from '@secateur/core/conformance';
import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { float32, type Graph, int64, removeUnits, toFloat32 } from '@secateur/graph';
import { fixturePath } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { type LaptopDiffOptions, laptopDiff, pearson } from '../src/index.js';

const run = (options: Partial<LaptopDiffOptions> = {}, settings: Partial<PruneOptions> = {}) =>
  prune(tinyModel(), {
    method: laptopDiff(options),
    engine: referenceEngine(),
    data: tinyCalibration(),
    ratio: 0.3,
    latency: false,
    timesteps: 2,
    ...settings,
  });

describe('laptopDiff', () => {
  it('removes the layers of the lowest output loss that hold enough parameters', async () => {
    const { outcome, report } = await run({ subsets: 0 });
    const { units } = outcome.statistics!.outputsWithout!;
    expect(report.after.parameters).toBeLessThanOrEqual(0.7 * report.before.parameters);
    for (const [id, { distance }] of units) expect(outcome.scores!.get(id)![0]).toBe(Math.fround(distance));
    expect([report.criterion, report.selector, report.space]).toEqual(['output-loss', 'knapsack', 'branches']);
    expect(report.additivity).toBeUndefined();
  });

  it.each(['greedy', 'exhaustive'] as const)('chooses by %s as well', async (selector) => {
    const { outcome, report } = await run({ selector, subsets: 0 });
    expect(outcome.selector).toBe(selector);
    expect(report.after.parameters).toBeLessThanOrEqual(0.7 * report.before.parameters);
  });

  it('takes the rise of the denoising loss instead', async () => {
    const { outcome } = await run({ criterion: 'task-loss', subsets: 0 });
    const { units } = outcome.statistics!.outputsWithout!;
    for (const [id, { lossChange }] of units) expect(outcome.scores!.get(id)![0]).toBe(Math.fround(lossChange));
  });

  it('goes on after a kill, with the same result', async () => {
    const options = { rowsPerRun: 2 };
    const store = memoryRunStore();
    const dying = { ...tinyCalibration(), batches: dyingAfter(1) };
    await expect(run(options, { store, saveEveryMs: 0, data: dying })).rejects.toThrow('killed');
    expect(await store.load('state')).toBeDefined();
    const again = await run(options, { store, saveEveryMs: 0 });
    expect(again.manifest).toEqual((await run(options)).manifest);
  });

  it.each([
    ['criterion', { criterion: 'magnitude' as never }],
    ['selector', { selector: 'global' as never }],
    ['subsets', { subsets: -1 }],
    ['rowsPerRun', { rowsPerRun: 0.5 }],
  ])('%s is checked', (field, options) => {
    expect(() => laptopDiff(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field }));
  });

  it('wants data', async () => {
    await expect(run({}, { data: undefined })).rejects.toMatchObject({ code: 'MISSING_NEED', field: 'data' });
  });
});

describe('of a U-Net with random weights', () => {
  const load = () => nodeFolder(fixturePath('unet2d-tiny')).then((folder) => diffusersFormat.load({ folder }));
  /** One sample of waves, at one timestep; nothing is known of what should come out. */
  const data: Calibration = {
    timesteps: 1,
    samples: 1,
    describe: async () => null,
    async *batches() {
      const sample = float32(
        [1, 3, 4, 4],
        Float32Array.from({ length: 48 }, (_, i) => Math.sin(1 + 2.7 * i)),
      );
      yield { feeds: { sample, timestep: int64([300]) }, target: sample, timesteps: [0], weight: 1 };
    },
  };
  const pruned = async (options: Partial<LaptopDiffOptions>, settings: Partial<PruneOptions> = {}) =>
    prune(await load(), {
      method: laptopDiff(options),
      engine: referenceEngine(),
      data,
      ratio: 0.3,
      latency: false,
      ...settings,
    });

  it('measures random sets of layers by what removing them does, and reports how far scores add up', async () => {
    const { report, coupling, outcome } = await pruned({ subsets: 4 });
    const { subsets, pearson: linear, others } = report.additivity!;
    expect(subsets).toHaveLength(4);
    const model = await load();
    const runs = async (graph: Graph) => {
      const executable = await referenceEngine().compile(graph);
      for await (const { feeds } of data.batches({ timesteps: [0] }))
        return toFloat32((await executable.run(feeds)).out);
      throw new Error('no data');
    };
    const whole = await runs(model.graph);
    for (const { units, predicted, measured } of subsets) {
      const cut = await runs(removeUnits(coupling, new Map(units.map((id) => [id, [0]]))).graph);
      const distance = cut.reduce((sum, value, i) => sum + (value - whole[i]) ** 2, 0) / whole.length;
      // The same kernels; rows of a batch of several do not see one another.
      expect(Math.abs(measured - distance)).toBeLessThanOrEqual(1e-5 * distance);
      expect(predicted).toBe(units.reduce((sum, id) => sum + outcome.scores!.get(id)![0], 0));
    }
    const of = (name: 'predicted' | 'measured') => subsets.map((set) => set[name]);
    expect(linear).toBe(pearson(of('predicted'), of('measured')));
    expect(others.map(({ criterion }) => criterion)).toEqual(['task-loss', 'parameters']);
  });

  it('chooses what trying all subsets chooses, whatever the budget counts', async () => {
    for (const budget of ['params=0.6', 'macs=0.6'].map(parseBudget)) {
      const settings = { ratio: undefined, budget, dryRun: true };
      const [fast, slow] = [
        await pruned({ subsets: 0 }, settings),
        await pruned({ subsets: 0, selector: 'exhaustive' }, settings),
      ];
      expect([...fast.outcome.removal!.keys()]).toEqual([...slow.outcome.removal!.keys()]);
    }
  });

  it.each([
    ['shortcut', 'up_blocks.1.resnets.1'],
    ['pass', 'up_blocks.1.resnets.1:pass'],
    ['pairs', 'down_blocks.0.resnets.0+up_blocks.1.resnets.1'],
  ] as const)('scores layers whose width changes as they are left out: %s', async (treatment, id) => {
    const { outcome, model } = await pruned({ subsets: 0 }, { treatment });
    expect(outcome.scores!.has(id)).toBe(true);
    const executable = await referenceEngine().compile(model.graph);
    for await (const { feeds } of data.batches({ timesteps: [0] })) {
      expect((await executable.run(feeds)).out.shape).toEqual(feeds.sample.shape);
    }
  });
});

/** The same data, until so many batches were read. */
function dyingAfter(batches: number): ReturnType<typeof tinyCalibration>['batches'] {
  return async function* (request) {
    let left = batches;
    for await (const batch of tinyCalibration().batches(request)) {
      if (left-- === 0) throw new Error('killed');
      yield batch;
    }
  };
}
