import { castTensor, constantOf, evaluateGraph, type Graph } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { referenceEngine, tinyCalibration, tinyModel } from '../../src/conformance.js';
import { type Calibration, memoryRunStore, type Need, type Progress, RunJournal } from '../../src/index.js';
import { collectGradients } from '../../src/statistics/gradients.js';
import { poisonedAt, requestOf, withLosses } from '../support/statistics-request.js';

type GradientNeed = Extract<Need, { kind: 'gradients' }>;
const sum: GradientNeed = { kind: 'gradients', accumulate: 'sum' };
const squares: GradientNeed = { kind: 'gradients', accumulate: 'sum-squares' };
const stopAt = (threshold: number, order: 'backward-first' | 'test-first', accumulate = sum): GradientNeed => ({
  ...accumulate,
  stop: { threshold, order },
});
type Sums = ReadonlyMap<string, Float32Array>;

async function sumsOf(need: GradientNeed, overrides: Parameters<typeof requestOf>[0] = {}): Promise<Sums> {
  return (await collectGradients(requestOf(overrides), need)).gradients!;
}

/** Largest difference over the largest value of the expected tensor, over all tensors. */
function worst(actual: Sums, expected: Sums): number {
  let error = 0;
  for (const [name, values] of expected) {
    const scale = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
    values.forEach((value, i) => {
      error = Math.max(error, Math.abs(actual.get(name)![i] - value) / scale);
    });
  }
  return error;
}

function added(parts: readonly Sums[]): Sums {
  return new Map(
    [...parts[0].keys()].map((name) => [
      name,
      parts[0].get(name)!.map((_, i) => parts.reduce((a, part) => a + part.get(name)![i], 0)),
    ]),
  );
}

/** Sum over timesteps of the mean squared error over all samples and elements, in double precision. */
async function totalLoss(graph: Graph, data: Calibration): Promise<number> {
  let loss = 0;
  for (let timestep = 0; timestep < data.timesteps; timestep++) {
    for await (const { feeds, target } of data.batches({ timesteps: [timestep] })) {
      const out = Array.from(evaluateGraph(graph, feeds).out.data, Number);
      loss += out.reduce((a, value, i) => a + (value - Number(target.data[i])) ** 2, 0) / out.length;
    }
  }
  return loss;
}

describe('signed sums', () => {
  it('are the gradient of the summed loss: central differences in float64 within 1e-4 (float32 backward)', async () => {
    const { graph } = tinyModel();
    const data = tinyCalibration({ timesteps: 3 });
    const gradients = await sumsOf(sum, { data });
    for (const [name, element] of [
      ['conv_in.weight', 5],
      ['block.norm1.weight', 2],
      ['attention.to_q.weight', 11],
      ['conv_out.bias', 0],
    ] as const) {
      const constant = graph.constants.get(name)!;
      const at = async (step: number) => {
        const value = castTensor(constant.value!, 'float64');
        value.data[element] = Number(value.data[element]) + step;
        return totalLoss(
          { ...graph, constants: new Map([...graph.constants, [name, constantOf(value, constant.parameter)]]) },
          data,
        );
      };
      const expected = ((await at(1e-4)) - (await at(-1e-4))) / 2e-4;
      expect(Math.abs(gradients.get(name)![element] - expected), name).toBeLessThan(
        1e-4 * Math.max(1, Math.abs(expected)),
      );
    }
  });
  it('over timesteps are those of the timesteps added up (1e-6: float32 sums of six terms)', async () => {
    const single = await Promise.all([0, 1, 2, 3, 4, 5].map((timestep) => sumsOf(sum, { timesteps: [timestep] })));
    expect(worst(await sumsOf(sum), added(single))).toBeLessThan(1e-6);
  });
  it('are the same with timesteps mixed into one run (1e-6: float32 sums in another order)', async () => {
    expect(worst(await sumsOf(sum, { timestepsPerRun: 3 }), await sumsOf(sum))).toBeLessThan(1e-6);
    expect(worst(await sumsOf(sum, { timestepsPerRun: 4 }), await sumsOf(sum))).toBeLessThan(1e-6);
  });
  it('are the same to the bit when run again', async () => expect(await sumsOf(sum)).toEqual(await sumsOf(sum)));
  it('come with the losses of every timestep', async () => {
    const data = tinyCalibration({ timesteps: 6 });
    const { losses, stoppedAt } = await collectGradients(requestOf({ data }), sum);
    expect(losses.map(({ timestep }) => timestep)).toEqual([0, 1, 2, 3, 4, 5]);
    const total = losses.reduce((a, { loss }) => a + loss, 0);
    expect(Math.abs(total - (await totalLoss(tinyModel().graph, data)))).toBeLessThan(1e-5 * total);
    expect(stoppedAt).toBeUndefined();
  });
});

it('sums of squares square every sample’s own gradient (1e-5: float32 squares)', async () => {
  const data = tinyCalibration({ timesteps: 2, samples: 2 });
  // One sample at a time, as if it were all there is.
  const alone = (sample: number): Calibration => ({
    ...data,
    samples: 1,
    batches: async function* ({ timesteps }) {
      let row = 0;
      for await (const batch of data.batches({ timesteps, batchSize: 1 })) if (row++ % 2 === sample) yield batch;
    },
  });
  const parts: Sums[] = [];
  for (const timestep of [0, 1]) {
    for (const sample of [0, 1]) {
      const gradient = await sumsOf(sum, { data: alone(sample), timesteps: [timestep] });
      parts.push(new Map([...gradient].map(([name, values]) => [name, values.map((value) => value * value)])));
    }
  }
  expect(worst(await sumsOf(squares, { data }), added(parts))).toBeLessThan(1e-5);
  expect(worst(await sumsOf(squares, { data, timestepsPerRun: 2 }), added(parts))).toBeLessThan(1e-5);
});

describe('the stop rule', () => {
  // Targets shrink at timestep 3, so that its loss is far below the largest.
  const data = withLosses(tinyCalibration({ timesteps: 6 }), (timestep) => (timestep < 3 ? 10 : 0.1));
  it.each([
    ['backward-first', 3, [0, 1, 2, 3]],
    ['test-first', 2, [0, 1, 2]],
  ] as const)('%s adds gradients up to timestep %i', async (order, last, timesteps) => {
    for (const accumulate of [sum, squares]) {
      const expected = await sumsOf(accumulate, { data, timesteps });
      for (const timestepsPerRun of [1, 2, 6]) {
        const swept = await collectGradients(requestOf({ data, timestepsPerRun }), stopAt(0.5, order, accumulate));
        expect(swept.stoppedAt).toBe(last);
        expect(swept.losses.map(({ timestep }) => timestep)).toEqual([0, 1, 2, 3]);
        expect(worst(swept.gradients!, expected), `${order} ${timestepsPerRun}`).toBeLessThan(1e-6);
      }
    }
  });
  it('of 0 visits all timesteps', async () => {
    const { stoppedAt, losses } = await collectGradients(requestOf({ data }), stopAt(0, 'test-first'));
    expect([stoppedAt, losses.length]).toEqual([undefined, 6]);
  });
});

it('refuses losses that are not finite, and names the timestep', async () => {
  const data = poisonedAt(tinyCalibration({ timesteps: 6 }), 4);
  await expect(sumsOf(sum, { data })).rejects.toMatchObject({ code: 'BAD_DATA', field: 'timestep 4' });
});

describe('a sweep that is cut short', () => {
  it('goes on from its last record to the same bytes, in the order of the timesteps', async () => {
    const whole = await collectGradients(requestOf(), stopAt(0.01, 'backward-first'));
    const store = memoryRunStore();
    for (const runs of [1, 2]) {
      const journal = await RunJournal.open(store, 'run', { everyMs: 0 });
      const control = new AbortController();
      let left = runs;
      const onProgress = () => {
        if (left-- === 0) control.abort();
      };
      const cut = collectGradients(
        requestOf({ journal, signal: control.signal, onProgress }),
        stopAt(0.01, 'backward-first'),
      );
      await expect(cut).rejects.toMatchObject({ code: 'ABORTED' });
    }
    const seen: Progress[] = [];
    const journal = await RunJournal.open(store, 'run');
    const onProgress = (progress: Progress) => void seen.push(progress);
    const resumed = await collectGradients(requestOf({ journal, onProgress }), stopAt(0.01, 'backward-first'));
    expect(seen[0].done).toBeGreaterThan(0);
    expect(resumed).toEqual(whole);
  });
  it('starts afresh when the record is of other timesteps or of something else', async () => {
    const store = memoryRunStore();
    const journal = await RunJournal.open(store, 'run', { everyMs: 0 });
    await collectGradients(requestOf({ timesteps: [0, 1], journal }), sum);
    const reopened = await RunJournal.open(store, 'run');
    expect(reopened.resumed).toBeDefined();
    expect(await sumsOf(sum, { timesteps: [2], journal: reopened })).toEqual(await sumsOf(sum, { timesteps: [2] }));
    await reopened.save({ value: 'another step', tensors: {} });
    const other = await RunJournal.open(store, 'run');
    expect(await sumsOf(sum, { timesteps: [2], journal: other })).toEqual(await sumsOf(sum, { timesteps: [2] }));
  });
});

it('frees what it compiled, also when it fails', async () => {
  let open = 0;
  const reference = referenceEngine();
  const engine = {
    ...reference,
    compile: async (...given: Parameters<typeof reference.compile>) => {
      open++;
      return { ...(await reference.compile(...given)), dispose: async () => void open-- };
    },
  };
  await sumsOf(sum, { engine, timesteps: [0] });
  await expect(sumsOf(sum, { engine, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(open).toBe(0);
});
