import { type Calibration, type Model, type PruneResult, prune } from '@secateur/core';
import { referenceEngine, tinyCalibration, tinyModel } from '@secateur/core/conformance';
import { constantOf, float32, GraphBuilder, parameterNamed, symbol } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { type DiffPruningOptions, diffPruning, diffPruningScore } from '../src/index.js';

/** `out = (x · W) · V` with `W = diag(1, 2, 3)` and `V` the identity: three hidden channels. */
function threeByThree(): Model {
  const b = new GraphBuilder('three', 18);
  const shape = [symbol('batch'), 3];
  const x = b.input('x', 'float32', shape);
  const square = (name: string, diagonal: readonly number[]) =>
    b.constant(
      name,
      constantOf(
        float32(
          [3, 3],
          diagonal.flatMap((d, i) => [0, 1, 2].map((j) => (i === j ? d : 0))),
        ),
        parameterNamed(name, [3, 3]),
      ),
    );
  const hidden = b.op('MatMul', [x, square('W', [1, 2, 3])]);
  b.output(b.op('MatMul', [hidden, square('V', [1, 1, 1])]), 'float32', shape, 'out');
  return { name: 'three', graph: b.build(), format: 'test', sizes: {}, files: async () => [] };
}

/**
 * `x = (1, 1, 1)` at every timestep, so `out = (1, 2, 3)`; targets such that `out - target` is the residual. The loss is
 * the mean of its squares: 3, 1.5, 0.27, 0.03.
 */
const residuals = [
  [3, 0, 0],
  [-1.5, 1.5, 0],
  [0, 0.9, 0],
  [0, 0, 0.3],
];

const byHand: Calibration = {
  timesteps: residuals.length,
  samples: 1,
  batches: async function* ({ timesteps, batchSize = 1 }) {
    for (let i = 0; i < timesteps.length; i += batchSize) {
      const rows = timesteps.slice(i, i + batchSize);
      yield {
        feeds: {
          x: float32(
            [rows.length, 3],
            rows.flatMap(() => [1, 1, 1]),
          ),
        },
        target: float32(
          [rows.length, 3],
          rows.flatMap((t) => residuals[t].map((r, j) => j + 1 - r)),
        ),
        timesteps: rows,
        weight: 1,
      };
    }
  },
  describe: async () => ({ kind: 'by hand' }),
};

const run = (
  options: Partial<DiffPruningOptions>,
  model: Model = threeByThree(),
  data: Calibration = byHand,
): Promise<PruneResult> =>
  prune(model, {
    method: diffPruning(options),
    engine: referenceEngine(),
    data,
    ratio: 0.4,
    latency: false,
    dryRun: true,
  });

describe('I = |θ · Σ g|, by hand', () => {
  // With R = ⅔ Σ_t residual: ∂L/∂W[i, j] = R[j] and ∂L/∂V[i, j] = hidden[i] R[j], hidden = (1, 2, 3). Channel c owns column
  // c of W and row c of V; off the diagonals θ is 0. So W gives (1·R0, 2·R1, 3·R2), V the same, and their mean too.
  it.each([
    // All four: R = (1, 1.6, 0.2).
    { threshold: 0, stopOrder: 'backward-first', scores: [1, 3.2, 0.6], stoppedAt: undefined, losses: 4 },
    { threshold: 0, stopOrder: 'test-first', scores: [1, 3.2, 0.6], stoppedAt: undefined, losses: 4 },
    // L_2/L_max = 0.09 < 0.5 ends the sweep; L_1/L_max = 0.5 does not. R = (1, 1.6, 0) with t = 2, (1, 1, 0) without.
    { threshold: 0.5, stopOrder: 'backward-first', scores: [1, 3.2, 0], stoppedAt: 2, losses: 3 },
    { threshold: 0.5, stopOrder: 'test-first', scores: [1, 2, 0], stoppedAt: 1, losses: 3 },
    // L_3/L_max = 0.01 < 0.05 ends it one later.
    { threshold: 0.05, stopOrder: 'backward-first', scores: [1, 3.2, 0.6], stoppedAt: 3, losses: 4 },
    { threshold: 0.05, stopOrder: 'test-first', scores: [1, 3.2, 0], stoppedAt: 2, losses: 4 },
    // L_1/L_max = 0.5 < 0.6: R = (1, 1, 0) with t = 1, (2, 0, 0) without.
    { threshold: 0.6, stopOrder: 'backward-first', scores: [1, 2, 0], stoppedAt: 1, losses: 2 },
    { threshold: 0.6, stopOrder: 'test-first', scores: [2, 0, 0], stoppedAt: 0, losses: 2 },
  ] as const)(
    'threshold $threshold, $stopOrder: stops at $stoppedAt',
    async ({ threshold, stopOrder, scores, stoppedAt, losses }) => {
      const { outcome, report } = await run({ threshold, stopOrder, normalize: 'none' });
      const actual = [...outcome.scores!.get('W:1')!];
      for (const [unit, score] of scores.entries()) expect(actual[unit]).toBeCloseTo(score, 5);
      expect(report.stoppedAt).toBe(stoppedAt);
      expect(report.losses.map(({ timestep }) => timestep)).toEqual([0, 1, 2, 3].slice(0, losses));
      for (const [t, { loss }] of report.losses.entries()) expect(loss).toBeCloseTo([3, 1.5, 0.27, 0.03][t], 5);
    },
  );

  it('lets gradients of opposite sign cancel before the absolute value is taken', async () => {
    // Absolute values per timestep would give channel 0 a score of ⅔ (3 + 1.5) = 3.
    const { outcome } = await run({ threshold: 0.5, normalize: 'none' });
    expect(outcome.scores!.get('W:1')![0]).toBeCloseTo(1, 5);
  });

  it('removes the lowest', async () => {
    const { outcome } = await run({ threshold: 0.5 });
    expect(outcome.removal!.get('W:1')).toEqual([0, 2]);
  });
});

describe('the sweep', () => {
  const data = tinyCalibration({ samples: 3, timesteps: 8 });
  const scoresOf = async (options: Partial<DiffPruningOptions>, calibration: Calibration = data) =>
    (await run({ threshold: 0, ...options }, tinyModel(), calibration)).outcome.scores!;

  it.each([2, 3, 8])('gives the same scores with %i timesteps mixed into a run', async (timestepsPerRun) => {
    expectSame(await scoresOf({ timestepsPerRun }), await scoresOf({}));
  });

  it.each([1, 2])('gives the same scores with samples in batches of %i', async (size) => {
    const small: Calibration = { ...data, batches: (request) => data.batches({ ...request, batchSize: size }) };
    expectSame(await scoresOf({}, small), await scoresOf({}));
  });

  it('stops at the same timestep, with the same scores, wherever a mixed run ends', async () => {
    for (const stopOrder of ['backward-first', 'test-first'] as const) {
      const one = await run({ threshold: 0.5, stopOrder, normalize: 'none' });
      for (const timestepsPerRun of [2, 3, 4]) {
        const mixed = await run({ threshold: 0.5, stopOrder, normalize: 'none', timestepsPerRun });
        expect(mixed.report.stoppedAt).toBe(one.report.stoppedAt);
        expectSame(mixed.outcome.scores!, one.outcome.scores!);
      }
    }
  });

  /** The same sums in another order in float32: 1e-5 of a group's largest score. */
  function expectSame(actual: ReadonlyMap<string, Float32Array>, expected: ReadonlyMap<string, Float32Array>): void {
    expect([...actual.keys()]).toEqual([...expected.keys()]);
    for (const [id, scores] of expected) {
      const largest = Math.max(...scores);
      for (const [unit, score] of scores.entries())
        expect(Math.abs(actual.get(id)![unit] - score)).toBeLessThan(1e-5 * largest);
    }
  }
});

describe('options', () => {
  it('decide what the score needs', () => {
    expect(diffPruningScore({ threshold: 0.2, stopOrder: 'test-first' }).needs).toEqual([
      { kind: 'weights' },
      { kind: 'gradients', accumulate: 'sum', stop: { threshold: 0.2, order: 'test-first' } },
    ]);
  });

  it.each([
    ['threshold', { threshold: 1.5 }],
    ['stopOrder', { stopOrder: 'sometimes' as never }],
    ['selector', { selector: 'knapsack' as never }],
    ['timestepsPerRun', { timestepsPerRun: 0 }],
  ])('%s is checked', (field, options) => {
    expect(() => diffPruning(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field }));
  });

  it.each(['local', 'global', 'isomorphic'] as const)('selector %s ranks that way', async (selector) => {
    const { outcome } = await run({ selector }, tinyModel(), tinyCalibration({ timesteps: 2 }));
    expect(outcome.selector).toBe(selector);
  });

  it('norm and bias parameters count unless left out', async () => {
    const scores = async (terms: 'weights' | 'all') =>
      (await run({ terms, threshold: 0 }, tinyModel(), tinyCalibration({ timesteps: 2 }))).outcome.scores!;
    expect([...(await scores('weights')).values()]).not.toEqual([...(await scores('all')).values()]);
  });

  it('the caller’s norm-group rule wins over the paper’s', async () => {
    const data = tinyCalibration({ timesteps: 2 });
    const given = { method: diffPruning(), engine: referenceEngine(), data, ratio: 0.4, latency: false, dryRun: true };
    expect((await prune(tinyModel(), given)).outcome.normGroups).toBe('paper');
    expect((await prune(tinyModel(), { ...given, normGroups: 'preserve' })).outcome.normGroups).toBe('preserve');
  });
});
