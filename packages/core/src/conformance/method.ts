import { removeUnits } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { removalOfManifest } from '../manifest.js';
import type { Method } from '../method.js';
import type { PluginFactory } from '../plugin.js';
import { type PruneOptions, type PruneResult, prune } from '../prune.js';
import { referenceEngine } from './reference-engine.js';
import { codeOf } from './suite.js';
import { tinyCalibration, tinyModel } from './tiny-model.js';

export interface MethodSuiteOptions<Options> {
  /** Options that make the method fast on the tiny model. */
  readonly options?: Partial<Options>;
  /** Behaviours that do not apply, with the reason. */
  readonly skip?: { readonly nested?: string; readonly replay?: string };
}

/** The behaviours every method must show. Call it at the top level of a vitest file. */
export function testMethod<Options extends object>(
  factory: PluginFactory<Method, Options>,
  suite: MethodSuiteOptions<Options> = {},
): void {
  describe(`method ${factory.pluginName} conforms`, () => {
    const run = (overrides: Partial<PruneOptions> = {}): Promise<PruneResult> =>
      prune(tinyModel(), {
        method: factory(suite.options),
        ratio: 0.5,
        engine: referenceEngine(),
        data: tinyCalibration(),
        latency: false,
        seed: 7,
        ...overrides,
      });

    it('removes something, runs, and leaves the given model as it was', async () => {
      const model = tinyModel();
      const before = new Map(
        await Promise.all(
          [...model.graph.constants].map(async ([name, c]) => [name, (await c.read()).data.slice()] as const),
        ),
      );
      const { model: pruned, report } = await prune(model, {
        method: factory(suite.options),
        ratio: 0.5,
        engine: referenceEngine(),
        data: tinyCalibration(),
        latency: false,
      });
      for (const [name, constant] of model.graph.constants)
        expect((await constant.read()).data).toEqual(before.get(name));
      expect(report.after.parameters < report.before.parameters || Object.keys(report.sparsity ?? {}).length > 0).toBe(
        true,
      );
      const executable = await referenceEngine().compile(pruned.graph);
      for await (const batch of tinyCalibration().batches({ timesteps: [1] })) {
        const { out } = await executable.run(batch.feeds);
        expect(out.shape).toEqual(batch.target.shape);
        expect(out.data.every((value) => Number.isFinite(Number(value)))).toBe(true);
      }
    });
    it('gives the same choice for the same seed', async () => {
      const [first, second] = [await run(), await run()];
      expect(second.manifest).toEqual(first.manifest);
    });
    it.skipIf(suite.skip?.nested)('keeps cutting the same units as the ratio grows', async () => {
      const [less, more] = [await run({ ratio: 0.25 }), await run({ ratio: 0.6 })];
      for (const [id, units] of less.outcome.removal ?? []) {
        expect(more.outcome.removal?.get(id)).toEqual(expect.arrayContaining([...units]));
      }
    });
    it.skipIf(suite.skip?.replay)('can be replayed from its manifest', async () => {
      const { manifest, coupling, cut } = await run();
      const replayed = removeUnits(coupling, removalOfManifest(JSON.parse(JSON.stringify(manifest))));
      expect(replayed.kept).toEqual(cut?.kept);
    });
    it('stops when cancelled', async () => {
      await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    });
    it('gives a report that survives JSON', async () => {
      const { report } = await run();
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity/);
    });
    it('keeps its options through JSON and refuses unknown ones', () => {
      const method = factory(suite.options);
      expect(factory(JSON.parse(JSON.stringify(method.options)) as Partial<Options>).options).toEqual(method.options);
      expect(codeOf(() => factory({ 'no-such-option': 1 } as unknown as Partial<Options>))).toBe('BAD_OPTION');
    });
  });
}
