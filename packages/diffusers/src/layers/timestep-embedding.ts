import { type DType, float32, int } from '@secateur/graph';
import { free, type ModuleBuilder, type Parameter } from '../module-builder.js';
import { type Activation, activation } from './activation.js';
import { linear, type Rows } from './linear.js';

/** Sines and cosines of a timestep. */
export interface SinusoidOptions {
  freq_shift: number;
  flip_sin_to_cos: boolean;
}

/** The fields of a configuration that say how a timestep is embedded. */
export interface TimeSettings extends SinusoidOptions {
  block_out_channels: readonly number[];
  /** Default: four times the first width. */
  time_embedding_dim: number | null;
  /** Default `positional`. */
  time_embedding_type?: 'positional' | 'fourier' | 'learned';
  /** Rows of a learned table. */
  num_train_timesteps?: number | null;
}

/** Type of the input `timestep`: noise levels of a Fourier embedding are fractional, timesteps are not. */
export function timestepType(config: TimeSettings): DType {
  return config.time_embedding_type === 'fourier' ? 'float32' : 'int64';
}

/** Adds the tensors of `time_proj` and returns the projection, which a class embedding may share. */
export function timeProjection(m: ModuleBuilder, config: TimeSettings): (steps: string) => Rows {
  const width = config.block_out_channels[0]!;
  if (config.time_embedding_type === 'fourier') {
    const weight = m.at('time_proj', () => fourierFrequencies(m, width));
    return (steps) => m.at('time_proj', () => fourier(m, steps, weight));
  }
  if (config.time_embedding_type === 'learned') {
    const rows = config.num_train_timesteps!;
    const table = m.at('time_proj', () => m.parameter('weight', [rows, free(width)], { kind: 'normal', deviation: 1 }));
    return (steps) =>
      m.at('time_proj', () => ({
        value: m.graph.op('Gather', [table.name, steps], { axis: int(0) }),
        width: table.shape[1]!,
      }));
  }
  return (steps) => m.at('time_proj', () => sinusoid(m, asFloat(m, steps), width, config));
}

/** TimestepEmbedding: linear, activation, linear. The two widths may differ in a pruned checkpoint. */
export function timestepEmbedding(
  m: ModuleBuilder,
  path: string,
  x: Rows,
  width: number,
  act: Activation = 'silu',
): Rows {
  return m.at(path, () => {
    const hidden = activation(m, 'act', act, linear(m, 'linear_1', x, free(width)));
    return linear(m, 'linear_2', hidden, free(width));
  });
}

/**
 * Timesteps: sines and cosines of `t / 10000^(i / (half - shift))`, in a new last axis of `width`.
 *
 * @param steps  float32 of any shape
 */
export function sinusoid(m: ModuleBuilder, steps: string, width: number, options: SinusoidOptions): Rows {
  const { graph } = m;
  const half = Math.floor(width / 2);
  const frequencies = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    // Rounded to float32 at each step, as PyTorch does: a high timestep multiplies the difference.
    const exponent = Math.fround(
      Math.fround(Math.fround(-Math.log(10000)) * i) / Math.fround(half - options.freq_shift),
    );
    frequencies[i] = Math.exp(exponent);
  }
  const angles = outerProduct(m, steps, graph.fixed(float32([half], frequencies), 'frequencies'));
  const sines = graph.op('Sin', [angles]);
  const cosines = graph.op('Cos', [angles]);
  let value = graph.op('Concat', options.flip_sin_to_cos ? [cosines, sines] : [sines, cosines], { axis: int(-1) });
  if (width % 2 === 1) value = graph.op('Pad', [value, graph.ints([0, 1]), '', graph.ints([-1])]);
  return { value, width };
}

/** GaussianFourierProjection's frequencies: drawn once with deviation 16, never learned. Old checkpoints say `W`. */
function fourierFrequencies(m: ModuleBuilder, width: number): Parameter {
  const name = m.has('W') && !m.has('weight') ? 'W' : 'weight';
  m.ignore(name === 'W' ? 'weight' : 'W');
  return m.parameter(name, [free(width)], { kind: 'normal', deviation: 16 }, true);
}

/** Sines and cosines of `2 pi log(sigma) w`, `[batch, 2 * width]`. */
function fourier(m: ModuleBuilder, steps: string, weight: Parameter): Rows {
  const { graph } = m;
  const logarithms = graph.op('Log', [asFloat(m, steps)]);
  const angles = graph.op('Mul', [outerProduct(m, logarithms, weight.name), graph.scalar(2 * Math.PI)]);
  const value = graph.op('Concat', [graph.op('Sin', [angles]), graph.op('Cos', [angles])], { axis: int(-1) });
  return { value, width: 2 * weight.shape[0]! };
}

function asFloat(m: ModuleBuilder, steps: string): string {
  const onnxFloat = 1;
  return m.graph.op('Cast', [steps], { to: int(onnxFloat) });
}

/** Every one of `rows` times all `columns` `[width]`, along a new last axis. */
function outerProduct({ graph }: ModuleBuilder, rows: string, columns: string): string {
  return graph.op('Mul', [graph.op('Unsqueeze', [rows, graph.ints([-1])]), columns]);
}
