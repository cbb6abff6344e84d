import { SparseWasmError } from './errors.js';
import type { Algorithm } from './packed-weights.js';

/** Planes in the module's memory: f32 `[batch][channels][height][width]`, or `[batch][channels][tokens]`, without gaps. */
export interface Source {
  /** Pointer. */
  readonly at: number;
  readonly channels: number;
}

/** What is done on the way in and out, without a pass over memory of its own. Pointers into the module's memory. */
export interface RunOptions {
  /**
   * f32 `[batch][2][inputs]`: scale and shift of every input channel, as `groupNormAffine` writes them. The border of a convolution
   * stays zero.
   */
  affine?: number;
  /** SiLU after the affine. Needs `affine`. */
  silu?: boolean;
  /** f32 `[batch][outputs]` instead of the layer's own bias: for example the bias plus a time embedding. */
  bias?: number;
  /** f32, laid out like the result, added to it. May be the result itself. */
  residual?: number;
}

/** A layer ready to run: weights in the module's memory, algorithm and tiles chosen for one size of picture. */
export interface Layer {
  readonly algorithm: Algorithm;
  /** Bytes of the module's memory that it holds. */
  readonly bytes: number;
  /** f32 elements of the result. */
  readonly outputSize: number;
  /**
   * `y` = the layer of `x`; both are planes as in {@link Source}. Two sources or more are taken as one after the other in channels.
   * @throws {SparseWasmError} BAD_SHAPE when the channels do not add up; BAD_OPTION for options the layer does not take
   */
  run(x: Source | readonly Source[], y: number, options?: RunOptions): void;
  /** Gives the memory back. The layer cannot run after that. */
  free(): void;
}

export function listOf(x: Source | readonly Source[]): readonly Source[] {
  return Array.isArray(x) ? x : [x as Source];
}

/** @throws {SparseWasmError} BAD_SHAPE when the sources do not have exactly `inputs` channels; BAD_OPTION */
export function sourcesOf(x: Source | readonly Source[], inputs: number, options: RunOptions): readonly Source[] {
  const sources = listOf(x);
  const channels = sources.reduce((sum, source) => sum + source.channels, 0);
  if (channels !== inputs) {
    throw new SparseWasmError('BAD_SHAPE', `The sources have ${channels} channels where the layer takes ${inputs}.`, {
      field: 'x',
    });
  }
  if (options.silu && !options.affine) {
    throw new SparseWasmError('BAD_OPTION', 'silu needs an affine.', {
      field: 'silu',
      hint: 'Pass scales of 1 and shifts of 0.',
    });
  }
  return sources;
}
