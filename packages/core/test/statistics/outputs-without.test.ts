import { couple, type DepthUnit, float32, removeUnits, toFloat32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { referenceEngine } from '../../src/conformance.js';
import {
  type Calibration,
  type Engine,
  memoryRunStore,
  type OutputsWithout,
  outputsWithout,
  RunJournal,
  type StatisticsRequest,
} from '../../src/index.js';
import { collectOutputsWithout } from '../../src/statistics/outputs-without.js';
import { deepModel } from '../support/deep-model.js';

const model = deepModel();
const coupling = couple(model.graph);
const units = coupling.depth;

/** Three samples; a timestep is what they are shifted by. Targets are zeros. */
const data: Calibration = {
  timesteps: 4,
  samples: 3,
  describe: async () => null,
  async *batches({ timesteps, batchSize = 3 }) {
    const rows = timesteps.flatMap((t) => [0, 1, 2].map((sample) => ({ t, sample })));
    for (let from = 0; from < rows.length; from += batchSize) {
      const some = rows.slice(from, from + batchSize);
      const values = some.flatMap(({ t, sample }) =>
        Array.from({ length: 32 }, (_, i) => Math.sin(i + 9 * sample) + t / 4),
      );
      const feeds = { x: float32([some.length, 2, 4, 4], values) };
      const target = float32([some.length, 2, 4, 4], new Float32Array(some.length * 32));
      yield { feeds, target, timesteps: some.map(({ t }) => t), weight: 1 };
    }
  },
};

const collect = (
  overrides: Partial<StatisticsRequest> = {},
  options: Parameters<typeof outputsWithout>[0] = {},
): Promise<OutputsWithout> => {
  const request = {
    model,
    coupling,
    needs: [],
    engine: referenceEngine(),
    data,
    units,
    timesteps: [0, 3],
    ...overrides,
  };
  return collectOutputsWithout(request as never, outputsWithout(options) as never);
};

/** Mean square of the difference to the whole model without some units, by removing them. */
async function byRemoval(some: readonly DepthUnit[]): Promise<{ distance: number; loss: number }> {
  const { graph } = removeUnits(coupling, new Map(some.map(({ id }) => [id, [0]])));
  const engine = referenceEngine();
  const [whole, cut] = [await engine.compile(model.graph), await engine.compile(graph)];
  let [distance, loss, count] = [0, 0, 0];
  for await (const { feeds } of data.batches({ timesteps: [0, 3] })) {
    const [a, b] = [toFloat32((await whole.run(feeds)).out), toFloat32((await cut.run(feeds)).out)];
    for (const [i, value] of b.entries()) {
      distance += (value - a[i]) ** 2;
      loss += value ** 2;
    }
    count += a.length;
  }
  return { distance: distance / count, loss: loss / count };
}

describe('collectOutputsWithout', () => {
  it('gives for every unit what removing it gives', async () => {
    const { units: found, meanSquare, loss } = await collect();
    expect([...found.keys()]).toEqual(units.map(({ id }) => id));
    const whole = await byRemoval([]);
    expect([meanSquare, loss]).toEqual([whole.loss, whole.loss]);
    for (const unit of units) {
      const expected = await byRemoval([unit]);
      expect(found.get(unit.id)!.distance, unit.id).toBeCloseTo(expected.distance, 6);
      expect(found.get(unit.id)!.lossChange, unit.id).toBeCloseTo(expected.loss - whole.loss, 6);
      expect(expected.distance).toBeGreaterThan(0);
    }
  });

  it('and for sets of them', async () => {
    const { subsets } = await collect({ seed: 3 }, { subsets: 4 });
    expect(subsets).toHaveLength(4);
    for (const { units: ids, distance, lossChange } of subsets) {
      const expected = await byRemoval(ids.map((id) => units.find((unit) => unit.id === id)!));
      expect(distance).toBeCloseTo(expected.distance, 6);
      expect(lossChange).toBeCloseTo(expected.loss - (await byRemoval([])).loss, 6);
    }
  });

  it.each([1, 2, 4, 7, 100])('is the same with up to %i rows in a run', async (rowsPerRun) => {
    const [one, other] = [await collect({}, { subsets: 3 }), await collect({}, { subsets: 3, rowsPerRun })];
    // Rows do not see one another; sums over batches are taken in another order.
    for (const [id, { distance }] of one.units) expect(other.units.get(id)!.distance).toBeCloseTo(distance, 9);
    expect(other.subsets.map(({ units: ids }) => ids)).toEqual(one.subsets.map(({ units: ids }) => ids));
  });

  it('tells how far it is', async () => {
    const seen: number[] = [];
    await collect({ onProgress: ({ done, total }) => seen.push(done / total) }, { rowsPerRun: 4 });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(units.length);
  });

  it.each([1, 5, 13, 20])('killed after %i runs it goes on, and ends with the same numbers', async (runs) => {
    const options = { subsets: 2, rowsPerRun: 3 };
    const whole = await collect({}, options);
    const store = memoryRunStore();
    const open = () => RunJournal.open(store, 'this run', { everyMs: 0 });
    let left = runs;
    const dying = spied(() => {
      if (left-- === 0) throw new Error('killed');
    });
    await expect(collect({ engine: dying, journal: await open() }, options)).rejects.toThrow('killed');
    let again = 0;
    const counting = spied(() => again++);
    expect(await collect({ engine: counting, journal: await open() }, options)).toEqual(whole);
    const [all, sets] = [2 * (1 + units.length + 2), 2 + units.length];
    expect(again).toBeLessThanOrEqual(all - runs + 1 + Math.floor(runs / sets));
  });

  it('does not take up what was saved for other sets', async () => {
    const journal = await RunJournal.open(memoryRunStore(), 'this run', { everyMs: 0 });
    await collect({ journal }, { subsets: 2 });
    expect(await collect({ journal })).toEqual(await collect());
  });

  it('stops when cancelled', async () => {
    await expect(collect({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('names what leaves no number', async () => {
    const bad: Engine = {
      ...referenceEngine(),
      compile: async () => ({
        inputs: [],
        outputs: ['out'],
        dispose: async () => {},
        run: async (feeds) => {
          const off = Object.keys(feeds).some((name) => name === 'secateur.gate.1' && feeds[name].data[0] === 0);
          return { out: float32(feeds.x.shape, new Float32Array(feeds.x.data.length).fill(off ? Number.NaN : 1)) };
        },
      }),
    };
    await expect(collect({ engine: bad }, { rowsPerRun: 1 })).rejects.toMatchObject({
      code: 'BAD_DATA',
      field: units[1].id,
    });
    const data2 = { ...data, batches: (request: never) => poisoned(data.batches(request)) };
    await expect(collect({ data: data2 })).rejects.toMatchObject({ code: 'BAD_DATA', field: 'output' });
  });

  it('wants layers', async () => {
    await expect(collect({ units: [] })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'space' });
  });
});

/** The reference engine, with something done at every run. */
function spied(onRun: () => void): Engine {
  const engine = referenceEngine();
  return {
    ...engine,
    compile: async (graph, options) => {
      const executable = await engine.compile(graph, options);
      return {
        ...executable,
        run: (feeds, runOptions) => {
          onRun();
          return executable.run(feeds, runOptions);
        },
      };
    },
  };
}

async function* poisoned(batches: ReturnType<Calibration['batches']>): ReturnType<Calibration['batches']> {
  for await (const batch of batches) {
    const { x } = batch.feeds;
    yield { ...batch, feeds: { x: { ...x, data: new Float32Array(x.data.length).fill(Number.NaN) } } };
  }
}
