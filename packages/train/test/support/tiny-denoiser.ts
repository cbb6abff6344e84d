import type { Model } from '@secateur/core';
import { referenceEngine } from '@secateur/core/conformance';
import { type Constant, constantOf, float32, GraphBuilder, int, parameterNamed, symbol } from '@secateur/graph';
import { createSampler } from '@secateur/samplers';
import { seededTensor } from '@secateur/testkit';
import { sampleSet, type TrainOptions } from '@secateur/train';

/**
 * A denoiser of `[batch, 2, 2, 2]` small enough to compute by hand: two linear layers over the channels, with the timestep
 * and, if asked for, a condition added between them.
 */
export function tinyDenoiser(
  options: { width?: number; condition?: boolean; seed?: number; name?: string } = {},
): Model {
  const { width = 4, condition = false, seed = 1, name = 'tiny' } = options;
  const b = new GraphBuilder(name, 18);
  const batch = symbol('batch');
  b.input('sample', 'float32', [batch, 2, 2, 2]);
  b.input('timestep', 'int64', [batch]);
  if (condition) b.input('label', 'float32', [batch, 1]);
  const weight = (path: string, shape: readonly number[], index: number): string =>
    b.constant(path, parameter(path, shape, seed * 10 + index));
  const time = b.scope('time', () => {
    const t = b.op('Cast', ['timestep'], { to: int(1) });
    return b.op('Reshape', [b.op('Mul', [t, b.scalar(0.001)]), b.ints([-1, 1])]);
  });
  const rows = b.op('Reshape', ['sample', b.ints([-1, 8])]);
  let hidden = b.scope('first', () =>
    b.op('Gemm', [rows, weight('first.weight', [width, 8], 0), weight('first.bias', [width], 1)], { transB: int(1) }),
  );
  hidden = b.op('Add', [hidden, time]);
  if (condition) hidden = b.op('Add', [hidden, 'label']);
  hidden = b.scope('act', () => b.op('Tanh', [hidden]));
  const out = b.scope('second', () =>
    b.op('Gemm', [hidden, weight('second.weight', [8, width], 2), weight('second.bias', [8], 3)], { transB: int(1) }),
  );
  b.output(b.op('Reshape', [out, b.ints([-1, 2, 2, 2])]), 'float32', [batch, 2, 2, 2], 'out');
  return {
    name,
    graph: b.build(),
    format: 'test',
    sizes: {},
    files: async () => [{ name, sha256: `${seed} ${width}` }],
  };
}

function parameter(path: string, shape: readonly number[], seed: number): Constant {
  return constantOf(seededTensor(seed, shape, 0.4), parameterNamed(path, shape));
}

/** Options that train it on eight samples. */
export function tinyOptions(more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    engine: referenceEngine(),
    data: sampleSet({ samples: seededTensor(3, [8, 2, 2, 2]), source: 'seeded' }),
    sampler: createSampler({ _class_name: 'DDPMScheduler' }),
    steps: 6,
    batchSize: 4,
    learningRate: 0.05,
    ...more,
  };
}

/** Labels for {@link tinyDenoiser} with a condition. */
export function labels(count: number): ReturnType<typeof float32> {
  return float32(
    [count, 1],
    Float32Array.from({ length: count }, (_, i) => i / count - 0.3),
  );
}
