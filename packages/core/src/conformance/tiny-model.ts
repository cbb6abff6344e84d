import {
  type Constant,
  constantOf,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  int64,
  ints,
  parameterNamed,
  sizeOf,
  symbol,
  type Tensor,
} from '@secateur/graph';
import type { Calibration, CalibrationBatch } from '../calibration.js';
import type { Model } from '../model.js';
import { uniform } from '../random.js';
import { sha256 } from '../sha256.js';

/** Values in (-1, 1) that depend on the seed alone. */
export function seededValues(seed: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => 2 * uniform(seed, i) - 1);
}

/**
 * A denoiser small enough to read: a convolution, a residual block with GroupNorm and a timestep embedding, attention with
 * two heads, a skip concatenation and an output convolution. Input `sample` `[batch, 2, height, width]`, `timestep`
 * `[batch]`, output `out` of the sample's shape.
 */
export function tinyModel(seed = 1): Model {
  const graph = buildTiny(seed);
  return {
    name: 'tiny',
    graph,
    format: 'test',
    sizes: { height: 4, width: 4 },
    files: async () => [{ name: 'tiny', sha256: await sha256(new TextEncoder().encode(`tiny ${seed}`)) }],
  };
}

const width = 8;
const timeWidth = 6;

function buildTiny(seed: number): Graph {
  const b = new GraphBuilder('tiny', 18);
  let counter = seed * 1000;
  const weight = (name: string, ...shape: number[]): string => {
    const scale = 1 / Math.sqrt(Math.max(1, sizeOf(shape.slice(1))));
    const values = seededValues(counter++, sizeOf(shape)).map((value) =>
      shape.length === 1 ? 0.5 + value / 4 : value * scale * 1.7,
    );
    const constant: Constant = constantOf(float32(shape, values), parameterNamed(name, shape));
    return b.constant(name, constant);
  };
  const conv = (name: string, x: string, from: number, to: number, kernel: number): string =>
    b.scope(name, () => {
      const pad = kernel >> 1;
      return b.op('Conv', [x, weight(`${name}.weight`, to, from, kernel, kernel), weight(`${name}.bias`, to)], {
        kernel_shape: ints([kernel, kernel]),
        pads: ints([pad, pad, pad, pad]),
      });
    });
  const linear = (name: string, x: string, from: number, to: number): string =>
    b.scope(name, () =>
      b.op('Gemm', [x, weight(`${name}.weight`, to, from), weight(`${name}.bias`, to)], { transB: int(1) }),
    );
  const norm = (name: string, x: string, channels: number): string =>
    b.scope(name, () =>
      b.op('GroupNormalization', [x, weight(`${name}.weight`, channels), weight(`${name}.bias`, channels)], {
        num_groups: int(2),
        epsilon: float(1e-5),
      }),
    );
  const silu = (x: string): string => b.op('Mul', [x, b.op('Sigmoid', [x])]);
  const shape = [symbol('batch'), 2, symbol('height'), symbol('width')];
  const sample = b.input('sample', 'float32', shape);
  const timestep = b.input('timestep', 'int64', [symbol('batch')]);

  const first = conv('conv_in', sample, 2, width, 3);
  const scaled = b.op('Mul', [b.op('Cast', [timestep], { to: int(1) }), b.scalar(0.001)]);
  const embedded = b.op('Sin', [
    b.op('Mul', [b.op('Unsqueeze', [scaled, b.ints([1])]), b.tensor(float32([1, 4], [1, 2, 4, 8]))]),
  ]);
  const time = linear('time.linear_2', silu(linear('time.linear_1', embedded, 4, timeWidth)), timeWidth, width);
  const hidden = b.op('Add', [
    conv('block.conv1', silu(norm('block.norm1', first, width)), width, width, 3),
    b.op('Unsqueeze', [time, b.ints([2, 3])]),
  ]);
  const residual = b.op('Add', [first, conv('block.conv2', silu(norm('block.norm2', hidden, width)), width, width, 3)]);
  const attended = b.scope('attention', () => attention(b, weight, residual));
  const joined = b.op('Concat', [b.op('Add', [residual, attended]), first], { axis: int(1) });
  const out = conv('conv_out', silu(norm('norm_out', joined, 2 * width)), 2 * width, 2, 3);
  b.output(out, 'float32', shape, 'out');
  return b.build();
}

function attention(b: GraphBuilder, weight: (name: string, ...shape: number[]) => string, x: string): string {
  const nHeads = 2;
  const headDim = width / nHeads;
  const tokens = b.op('Transpose', [b.op('Reshape', [x, b.ints([0, width, -1])])], { perm: ints([0, 2, 1]) });
  const project = (name: string, value: string): string => {
    const w = b.op('Transpose', [weight(`attention.${name}.weight`, width, width)], { perm: ints([1, 0]) });
    return b.op('Add', [b.op('MatMul', [value, w]), weight(`attention.${name}.bias`, width)]);
  };
  const split = (name: string): string =>
    b.op('Transpose', [b.op('Reshape', [project(name, tokens), b.ints([0, 0, nHeads, headDim])])], {
      perm: ints([0, 2, 1, 3]),
    });
  const [q, k, v] = ['to_q', 'to_k', 'to_v'].map(split);
  const products = b.op('MatMul', [q, b.op('Transpose', [k], { perm: ints([0, 1, 3, 2]) })]);
  const weights = b.op('Softmax', [b.op('Mul', [products, b.scalar(headDim ** -0.5)])], { axis: int(-1) });
  const merged = b.op('Reshape', [
    b.op('Transpose', [b.op('MatMul', [weights, v])], { perm: ints([0, 2, 1, 3]) }),
    b.ints([0, 0, width]),
  ]);
  const back = b.op('Transpose', [project('to_out', merged)], { perm: ints([0, 2, 1]) });
  return b.op('Reshape', [back, b.op('Shape', [x])]);
}

/** Seeded samples and noise for {@link tinyModel}, with a linear noise schedule of `timesteps` steps. */
export function tinyCalibration(options: { samples?: number; timesteps?: number; seed?: number } = {}): Calibration {
  const { samples = 2, timesteps = 10, seed = 3 } = options;
  const shape = [2, 4, 4];
  const size = sizeOf(shape);
  const clean = seededValues(seed, samples * size);
  const noise = seededValues(seed + 1, samples * size);
  const batchOf = (entries: readonly { timestep: number; sample: number }[]): CalibrationBatch => {
    const x = new Float32Array(entries.length * size);
    const target = new Float32Array(entries.length * size);
    entries.forEach(({ timestep, sample }, row) => {
      const level = (timestep + 1) / (timesteps + 1);
      for (let i = 0; i < size; i++) {
        x[row * size + i] =
          Math.sqrt(1 - level) * clean[sample * size + i] + Math.sqrt(level) * noise[sample * size + i];
        target[row * size + i] = noise[sample * size + i];
      }
    });
    const tensorOf = (data: Float32Array): Tensor => float32([entries.length, ...shape], data);
    const feeds = { sample: tensorOf(x), timestep: int64(entries.map((entry) => entry.timestep)) };
    return { feeds, target: tensorOf(target), timesteps: entries.map((entry) => entry.timestep), weight: 1 };
  };
  return {
    timesteps,
    samples,
    batches: async function* (request) {
      const entries = request.timesteps.flatMap((timestep) =>
        Array.from({ length: samples }, (_, sample) => ({ timestep, sample })),
      );
      const batchSize = request.batchSize ?? samples;
      for (let i = 0; i < entries.length; i += batchSize) yield batchOf(entries.slice(i, i + batchSize));
    },
    describe: async () => ({ kind: 'seeded', samples, timesteps, seed }),
  };
}
