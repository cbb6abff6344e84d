import { prune, structured } from '@secateur/core';
import { referenceEngine, tinyCalibration, tinyModel } from '@secateur/core/conformance';
import { float32, type Graph, gradient } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { obd } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

/** Squared gradients of one sample after the other, added up; only the last sample's when `lastOnly`. */
async function naiveFisher(
  graph: Graph,
  data: ReturnType<typeof tinyCalibration>,
  lastOnly = false,
): Promise<Map<string, Float64Array>> {
  const wrt = [...graph.constants].flatMap(([name, { parameter }]) => (parameter ? [name] : []));
  const backward = gradient(graph, {
    loss: { kind: 'mse', output: 'out', target: 'target', sampleWeights: 'weights' },
    wrt,
  });
  const executable = await referenceEngine().compile(backward);
  let sums = new Map<string, Float64Array>();
  for (let timestep = 0; timestep < data.timesteps; timestep++) {
    for await (const { feeds, target } of data.batches({ timesteps: [timestep], batchSize: 1 })) {
      const results = await executable.run({ ...feeds, target, weights: float32([1], [1]) });
      if (lastOnly) sums = new Map();
      for (const name of wrt) {
        const g = results[`grad.${name}`].data as Float32Array;
        const sum = sums.get(name) ?? new Float64Array(g.length);
        g.forEach((value, i) => {
          sum[i] += value * value;
        });
        sums.set(name, sum);
      }
    }
  }
  return sums;
}

describe('obd', () => {
  it('is half the weight squared times the summed squared gradient', () => {
    // The gradients of the tiny group stand for Fisher sums: w (1·1 + 4·1 | 9·-1 + 0·5), bias 2 and 3, scale 1 and -4, …
    const scores = scoreOf(obd({ reduce: 'sum', normalize: 'none', terms: 'weights' }), 2, twoChannels);
    expect(scores).toEqual([(1 + 4) / 2 + (4 * -1) / 2, -9 / 2 + (16 * 0.5) / 2]);
  });

  it('counts a bias by its own gradient (Torch-Pruning 1.6 enters that branch only where there is none)', () => {
    const bias = twoChannels.filter(({ role }) => role === 'bias');
    expect(scoreOf(obd({ normalize: 'none' }), 2, bias)).toEqual([1, 1.5]);
    const without = bias.map((slice) => ({ ...slice, gradients: undefined }));
    expect(scoreOf(obd({ normalize: 'none' }), 2, without)).toEqual([0, 0]);
  });

  it('adds squared gradients of all samples (Torch-Pruning 1.6 keeps the last sample’s alone)', async () => {
    const model = tinyModel();
    const data = tinyCalibration({ samples: 3, timesteps: 2 });
    const { outcome, coupling } = await prune(model, {
      method: structured({ criterion: obd({ reduce: 'sum', normalize: 'none' }) }),
      engine: referenceEngine(),
      data,
      ratio: 0.3,
      latency: false,
    });
    const scoresBy = (fisher: ReadonlyMap<string, Float64Array>, id: string) => {
      const group = coupling.groups.find((candidate) => candidate.id === id)!;
      return Array.from({ length: group.size }, (_, unit) => {
        let score = 0;
        for (const { value, valueAxis, perUnit, indices } of group.slices) {
          const { shape, value: tensor, parameter } = model.graph.constants.get(value)!;
          if (!parameter) continue;
          const stride = shape.slice(valueAxis + 1).reduce((a, b) => a * b, 1);
          const mine = new Set(indices.subarray(unit * perUnit, (unit + 1) * perUnit));
          fisher.get(value)!.forEach((sum, i) => {
            if (mine.has(Math.floor(i / stride) % shape[valueAxis]))
              score += 0.5 * (tensor!.data[i] as number) ** 2 * sum;
          });
        }
        return score;
      });
    };
    const all = await naiveFisher(model.graph, data);
    const last = await naiveFisher(model.graph, data, true);
    expect(outcome.scores!.size).toBeGreaterThan(2);
    for (const [id, scores] of outcome.scores!) {
      const expected = scoresBy(all, id);
      const largest = Math.max(...expected);
      // Sums of six squares kept in float32: a few units of 6e-8.
      for (const [unit, score] of scores.entries())
        expect(Math.abs(score - expected[unit])).toBeLessThan(1e-6 * largest);
      expect(Math.max(...scoresBy(last, id).map((score, unit) => Math.abs(score - expected[unit])))).toBeGreaterThan(
        0.1 * largest,
      );
    }
  });
});
