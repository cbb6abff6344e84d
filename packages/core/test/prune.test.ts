import { describe, expect, it } from 'vitest';
import { referenceEngine, tinyCalibration, tinyModel } from '../src/conformance.js';
import {
  channels,
  defineMethod,
  elements,
  globalRanking,
  gradients,
  heads,
  isomorphicRanking,
  type Method,
  memoryRunStore,
  nOfM,
  type Progress,
  type PruneOptions,
  parseBudget,
  prune,
  type RunStore,
  sparsityOf,
  structured,
  sumPerUnit,
  weights,
} from '../src/index.js';
import { byPosition, criterionWith } from './support/criteria.js';

const method = structured({ criterion: byPosition });
const run = (options: Partial<PruneOptions> = {}) => {
  const given = { method, ...options };
  return prune(
    tinyModel(),
    given.budget || given.ratio !== undefined || given.space ? given : { ...given, ratio: 0.5 },
  );
};
/** |sum of gradients| of the first tensor. */
const byGradient = criterionWith({
  name: 'by-gradient',
  needs: [weights(), gradients()],
  score: (group, context) => {
    const values = context.gradients(group.slices[0]);
    return Float32Array.from(sumPerUnit(group.slices[0], group.size, (element) => Math.abs(values[element])));
  },
});
const sweep = { method: structured({ criterion: byGradient }), engine: referenceEngine(), latency: false };

describe('prune', () => {
  it('cuts the lowest units of every group and says what it did', async () => {
    const { report, outcome, manifest, cut, model } = await run();
    // Two norm groups of four channels: two of each go.
    expect(outcome.removal!.get('conv_in.weight:0')).toEqual([0, 1, 4, 5]);
    expect(outcome.removal!.get('time.linear_1.weight:0')).toEqual([0, 1, 2]);
    expect(model.graph.constants.get('conv_in.weight')!.shape).toEqual([4, 2, 3, 3]);
    expect(manifest.shapes['conv_in.weight']).toEqual([4, 2, 3, 3]);
    expect(manifest.kept['conv_out.weight']).toEqual({
      1: [
        [2, 4],
        [6, 8],
        [10, 12],
        [14, 16],
      ],
    });
    expect(cut!.graph).toBe(model.graph);
    expect(report).toMatchObject({
      criterion: 'by-position',
      selector: 'local',
      space: 'channels',
      normGroups: 'paper',
      seed: 0,
      warnings: [],
    });
    expect(report.groups[0]).toMatchObject({
      id: 'conv_in.weight:0',
      size: 8,
      kept: 4,
      removed: [
        [0, 2],
        [4, 6],
      ],
    });
    expect(report.after.parameters).toBe(
      [...model.graph.constants.values()].reduce(
        (sum, { parameter, shape }) => sum + (parameter ? shape.reduce((a, b) => a * b, 1) : 0),
        0,
      ),
    );
    expect(report.notPruned.map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(/kind head, which the space "channels"/),
    );
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
  it('changes nothing on a dry run, and tells the same', async () => {
    const model = tinyModel();
    const dry = await prune(model, { method, ratio: 0.5, dryRun: true, engine: referenceEngine() });
    const { report, manifest } = await run({ engine: referenceEngine(), latency: false });
    expect(dry.model.graph).toBe(model.graph);
    expect(dry.manifest).toEqual(manifest);
    expect(dry.report).toEqual(report);
  });
  it.each(['macs=0.56', 'params=0.5', 'bytes=0.7'])(
    'meets the budget %s, and one unit fewer would not',
    async (text) => {
      const budget = parseBudget(text);
      if (budget.kind === 'ratio' || budget.kind === 'latency') throw new Error(text);
      const key = ({ macs: 'macs', params: 'parameters', bytes: 'bytes' } as const)[budget.kind];
      const share = async (options: Partial<PruneOptions>) => {
        const { before, after } = (await run(options)).report;
        return after[key] / before[key];
      };
      const global = structured({ criterion: byPosition, selector: globalRanking() });
      expect(await share({ method: global, budget })).toBeLessThanOrEqual(budget.remaining);
      const looser = { ...budget, remaining: Math.min(1, budget.remaining + 0.25) };
      expect(await share({ method: global, budget: looser })).toBeGreaterThan(budget.remaining);
    },
  );
  it('meets a latency budget on a given engine', async () => {
    const { report } = await run({ budget: parseBudget('latency=1'), engine: referenceEngine() });
    expect(report.after.parameters).toBe(report.before.parameters);
    expect(report.after.latency!.runs).toBeGreaterThanOrEqual(9);
    await expect(run({ budget: parseBudget('latency=0.5') })).rejects.toMatchObject({ code: 'MISSING_NEED' });
  });
  it('prunes heads', async () => {
    const { model, outcome } = await run({ space: heads, ratio: 0.5 });
    expect(outcome.removal!.get('attention.to_q.weight:0:head')).toEqual([0]);
    expect(model.graph.constants.get('attention.to_out.weight')!.shape).toEqual([8, 4]);
  });
  it('leaves alone what is ignored and takes ratios by name', async () => {
    const { outcome, report } = await run({
      ignore: ['time.linear_1.*'],
      ratios: { 'attention.to_v.*': 0.25 },
      ratio: 0.5,
      space: channels,
    });
    expect(outcome.removal!.has('time.linear_1.weight:0')).toBe(false);
    expect(report.notPruned).toContainEqual({
      tensor: 'time.linear_1.weight',
      axis: 0,
      reason: 'group left whole: ignored by "time.linear_1.*"',
    });
    expect(outcome.removal!.get('attention.to_v.weight:0:head-dim')).toEqual([0]);
    await expect(run({ ratios: { nope: 0.5 } })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'ratios' });
    await expect(run({ ratios: { '*': 1 } })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'ratios' });
  });
  it('leaves a group whole that the criterion has nothing to say about', async () => {
    const shy = criterionWith({
      score: ({ id, size }) => (id.startsWith('time') ? undefined : new Float32Array(size)),
    });
    const { outcome, report } = await run({ method: structured({ criterion: shy }) });
    expect(outcome.removal!.has('time.linear_1.weight:0')).toBe(false);
    expect(report.notPruned.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/"mine" finds nothing/));
  });
  it('refuses `expressible` for a model without a configuration', async () => {
    await expect(run({ expressible: true })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'expressible' });
  });
});

describe('prune, single weights', () => {
  it('zeroes elements and keeps shapes', async () => {
    const { report, masks, model, outcome } = await run({ space: elements, ratio: 0.25 });
    expect(report.after.parameters).toBe(report.before.parameters);
    expect(report.sparsity!['conv_in.weight']).toBe(0.25);
    expect(outcome.removal).toBeUndefined();
    const zeros = (await model.graph.constants.get('conv_in.weight')!.read()).data.filter(
      (value) => value === 0,
    ).length;
    expect(zeros).toBe(36);
    expect(masks!.size).toBe(Object.keys(report.sparsity!).length);
  });
  it('gives the same masks tensor by tensor as the whole, globally ranked ones at once', async () => {
    const global = structured({ criterion: byPosition, selector: globalRanking() });
    const { masks } = await run({ method: global, space: elements, ratio: 0.3 });
    const sizes = [...masks!.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    const zeroed = [...masks!.values()].reduce((sum, mask, i) => sum + sparsityOf(mask) * sizes[i], 0);
    const total = sizes.reduce((a, b) => a + b, 0);
    expect(Math.round(zeroed)).toBe(Math.floor(0.3 * total));
  });
  it('keeps N of M without being given a ratio, and warns of another', async () => {
    const { report } = await run({ space: nOfM(2, 4) });
    // The two input channels of conv_in make one short run, of which both stay.
    expect(report.sparsity).toMatchObject({ 'block.conv1.weight': 0.5, 'conv_in.weight': 0 });
    expect(report.warnings).toEqual([]);
    const other = await run({ space: nOfM(2, 4), ratio: 0.3 });
    expect(other.report.warnings).toEqual([expect.stringMatching(/2:4 zeroes 0.5 .* 0.3 is not used/)]);
  });
  it.each([
    ['budget', { budget: parseBudget('macs=0.5') }],
    ['roundTo', { ratio: 0.5, roundTo: 8 }],
    ['maxRatio', { ratio: 0.5, maxRatio: 0.5 }],
    ['ratios', { ratio: 0.5, ratios: { '*': 0.1 } }],
    ['selector', { ratio: 0.5, method: structured({ criterion: byPosition, selector: isomorphicRanking() }) }],
  ])('refuses a %s, which means nothing there', async (field, options) => {
    await expect(run({ space: elements, ...options })).rejects.toMatchObject({ code: 'BAD_OPTION', field });
  });
  it('refuses a criterion of units', async () => {
    const units = structured({ criterion: criterionWith({ score: ({ size }) => new Float32Array(size) }) });
    await expect(run({ method: units, space: elements, ratio: 0.5 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      plugin: 'mine',
    });
  });
});

describe('prune, while it runs', () => {
  it('reports progress that never falls, ends every phase, and names the plugin', async () => {
    const seen: Progress[] = [];
    const data = tinyCalibration({ timesteps: 30 });
    await run({ ...sweep, latency: true, data, onProgress: (progress) => seen.push(progress) });
    const phases = [...new Set(seen.map(({ phase }) => phase))];
    expect(phases).toEqual(['gradients', 'score', 'latency']);
    for (const phase of phases) {
      const reports = seen.filter((progress) => progress.phase === phase);
      expect(reports.map(({ done }) => done)).toEqual(reports.map(({ done }) => done).sort((a, b) => a - b));
      expect(reports.at(-1)!.done).toBe(reports.at(-1)!.total);
    }
    expect(new Set(seen.map(({ plugin }) => plugin))).toEqual(new Set(['by-gradient']));
  });
  it('stops when cancelled, before and during the work', async () => {
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const control = new AbortController();
    const onProgress = ({ phase }: Progress) => phase === 'gradients' && control.abort();
    await expect(run({ ...sweep, data: tinyCalibration(), signal: control.signal, onProgress })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
  it('goes on after a kill and ends with the same manifest', async () => {
    const data = tinyCalibration({ timesteps: 8 });
    const whole = await run({ ...sweep, data });
    const store = memoryRunStore();
    const control = new AbortController();
    const killed = run({
      ...sweep,
      data,
      store: killAfter(store, control, 4),
      saveEveryMs: 0,
      signal: control.signal,
    });
    await expect(killed).rejects.toMatchObject({ code: 'ABORTED' });
    const messages: string[] = [];
    const logger = { debug() {}, info: (message: string) => void messages.push(message), warn() {} };
    const seen: Progress[] = [];
    const resumed = await run({ ...sweep, data, store, logger, onProgress: (progress) => seen.push(progress) });
    expect(messages).toEqual(['Going on from the last saved step.']);
    expect(seen[0]).toMatchObject({ phase: 'gradients', done: 4 });
    expect(resumed.manifest).toEqual(whole.manifest);
    expect(resumed.report).toEqual(whole.report);
    // Another seed is another run.
    const fresh: Progress[] = [];
    await run({ ...sweep, data, store, seed: 1, onProgress: (progress) => fresh.push(progress) });
    expect(fresh[0]).toMatchObject({ phase: 'gradients', done: 0 });
  });
  it('collects warnings of the method into the report', async () => {
    const warns = defineMethod<object>({
      name: 'warns',
      apiVersion: 1,
      defaults: {},
      steps: async function* (context) {
        context.logger.warn('careful');
        yield { name: 'nothing', outcome: { space: channels, criterion: 'none', selector: 'none' } };
      },
    });
    const { report, model } = await run({ method: warns() });
    expect(report.warnings).toEqual(['careful']);
    expect(report.after).toEqual(report.before);
    expect(model.graph.nodes).toHaveLength(tinyModel().graph.nodes.length);
  });
  it('refuses a method that ends without an outcome', async () => {
    const empty: Method = defineMethod<object>({
      name: 'empty',
      apiVersion: 1,
      defaults: {},
      steps: async function* () {},
    })();
    await expect(run({ method: empty })).rejects.toMatchObject({ code: 'BAD_PLUGIN', plugin: 'empty' });
  });
});

/** A store that cancels the run once it holds `records` records: a kill at a known moment. */
function killAfter(store: RunStore, control: AbortController, records: number): RunStore {
  return {
    ...store,
    save: async (key, bytes) => {
      await store.save(key, bytes);
      if (--records === 0) control.abort();
    },
  };
}
