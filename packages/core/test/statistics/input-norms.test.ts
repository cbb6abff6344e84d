import { constantOf, couple, float32, GraphBuilder, parameterNamed, symbol } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { tinyCalibration } from '../../src/conformance.js';
import type { Calibration, Model } from '../../src/index.js';
import { collectInputNorms } from '../../src/statistics/input-norms.js';
import { poisonedAt, requestOf } from '../support/statistics-request.js';

/** `out = x·w`, x `[batch, 2, 3]` (tokens of three channels), w `[3, 2]`. */
function linearModel(): Model {
  const b = new GraphBuilder('linear');
  const x = b.input('x', 'float32', [symbol('batch'), 2, 3]);
  const w = b.constant('w', constantOf(float32([3, 2], [1, 2, 3, 4, 5, 6]), parameterNamed('w', [3, 2])));
  b.output(b.op('MatMul', [x, w], {}, { name: 'out' }), 'float32', [symbol('batch'), 2, 2]);
  return { name: 'linear', graph: b.build(), format: 'test', sizes: {}, files: async () => [] };
}

/** Every timestep feeds the same sample of two tokens, times one more than the timestep. */
function tokens(timesteps: number): Calibration {
  return {
    timesteps,
    samples: 1,
    describe: async () => null,
    batches: async function* (request) {
      for (const t of request.timesteps) {
        const feeds = {
          x: float32(
            [1, 2, 3],
            [1, 2, 0, 3, -2, 0].map((value) => value * (t + 1)),
          ),
        };
        yield { feeds, target: float32([1, 2, 2], [0, 0, 0, 0]), timesteps: [t], weight: 1 };
      }
    },
  };
}

describe('collectInputNorms', () => {
  it('is the L2 norm over tokens, samples and timesteps', async () => {
    const model = linearModel();
    const norms = await collectInputNorms(requestOf({ model, coupling: couple(model.graph), data: tokens(2) }));
    // Squares of channel 0: (1 + 9)(1 + 4) = 50; of channel 1: (4 + 4)(1 + 4) = 40; of channel 2: 0.
    const expected = Float32Array.from([50, 40, 0], Math.sqrt);
    expect([...norms]).toEqual([['w', { axis: 0, norms: expected }]]);
  });
  it('visits sixteen timesteps of a long schedule, evenly', async () => {
    const seen: number[] = [];
    const data = tokens(64);
    const spied: Calibration = {
      ...data,
      batches: (request) => {
        seen.push(...request.timesteps);
        return data.batches(request);
      },
    };
    await collectInputNorms(requestOf({ model: linearModel(), coupling: couple(linearModel().graph), data: spied }));
    expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => 4 * i + 2));
  });
  it('covers every convolution and linear of a denoiser, one norm an input channel', async () => {
    const request = requestOf();
    const norms = await collectInputNorms(request);
    for (const [name, { axis, norms: values }] of norms) {
      expect(values).toHaveLength(request.model.graph.constants.get(name)!.shape[axis]);
    }
    const linears = [...request.model.graph.constants].filter(
      ([, { parameter, shape }]) => parameter && shape.length > 1,
    );
    expect([...norms.keys()].sort()).toEqual(linears.map(([name]) => name).sort());
  });
  it('refuses activations that are not finite, and names the weight', async () => {
    const data = poisonedAt(tinyCalibration({ timesteps: 4 }), 2);
    await expect(collectInputNorms(requestOf({ data }))).rejects.toMatchObject({
      code: 'BAD_DATA',
      field: 'conv_in.weight',
    });
  });
});
