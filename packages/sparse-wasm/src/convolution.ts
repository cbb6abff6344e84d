import { directConvolution } from './convolution-direct.js';
import { requireWhole, SparseWasmError } from './errors.js';
import type { Layer } from './layer.js';
import { createLinear } from './linear.js';
import type { Algorithm, PackedWeights } from './packed-weights.js';
import type { Runtime } from './runtime.js';
import { winogradConvolution } from './winograd.js';

export interface ConvolutionOptions {
  /** Size of the pictures in memory. */
  height: number;
  width: number;
  /** Default 1. */
  batch?: number;
  /** Default 1. */
  stride?: 1 | 2;
  /** Rows and columns of zeros `[top, left, bottom, right]`. Default: half the kernel all around. */
  padding?: readonly [number, number, number, number];
  /** Whether the pictures are enlarged twice, by nearest neighbour, on the way in. Default false. */
  upsample?: boolean;
  /**
   * Winograd is for 3x3 and stride 1. Default: what tuning found and the packed weights say, else `direct`.
   */
  algorithm?: Algorithm;
}

/** Options with everything worked out. */
export interface ConvolutionGeometry {
  /** Size of what the convolution sees, after any enlargement. */
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly batch: number;
  readonly stride: 1 | 2;
  readonly top: number;
  readonly left: number;
  readonly upsample: boolean;
}

/** @throws {SparseWasmError} BAD_SHAPE, BAD_OPTION */
export function geometryOf(kernel: readonly [number, number], options: ConvolutionOptions): ConvolutionGeometry {
  const { batch = 1, stride = 1, upsample = false } = options;
  for (const field of ['height', 'width'] as const) requireWhole(field, options[field], 1, 8192);
  requireWhole('batch', batch, 1, 4096);
  requireWhole('stride', stride, 1, 2);
  if (upsample && stride === 2) throw new SparseWasmError('BAD_OPTION', 'upsample and stride 2 exclude one another.');
  const half = kernel.map((size) => size >> 1);
  const [top, left, bottom, right] = options.padding ?? [half[0], half[1], half[0], half[1]];
  for (const size of [top, left, bottom, right]) requireWhole('padding', size, 0, 64);
  const [height, width] = upsample ? [2 * options.height, 2 * options.width] : [options.height, options.width];
  const outHeight = Math.floor((height + top + bottom - kernel[0]) / stride) + 1;
  const outWidth = Math.floor((width + left + right - kernel[1]) / stride) + 1;
  if (outHeight < 1 || outWidth < 1) {
    throw new SparseWasmError(
      'BAD_SHAPE',
      `A kernel of ${kernel.join(' x ')} does not fit ${height} x ${width} pixels.`,
    );
  }
  return { height, width, outHeight, outWidth, batch, stride, top, left, upsample };
}

/** Algorithms that a geometry allows, the plain one first. */
export function algorithmsFor(
  kernel: readonly [number, number],
  { stride }: ConvolutionGeometry,
): readonly Algorithm[] {
  const isWinograd = kernel[0] === 3 && kernel[1] === 3 && stride === 1;
  return isWinograd ? ['direct', 'winograd-f2', 'winograd-f4'] : ['direct'];
}

/**
 * A convolution over x `[batch][inputs][height][width]`. Pointwise ones go by the linear kernels.
 *
 * @throws {SparseWasmError} BAD_SHAPE, BAD_OPTION, OUT_OF_MEMORY
 */
export function createConvolution(runtime: Runtime, packed: PackedWeights, options: ConvolutionOptions): Layer {
  const geometry = geometryOf(packed.kernel, options);
  const { height, width, batch, stride, top, left, outHeight, outWidth, upsample } = geometry;
  const isPointwise = packed.kernel[0] === 1 && packed.kernel[1] === 1 && stride === 1 && !upsample;
  if (isPointwise && top === 0 && left === 0 && outHeight === height && outWidth === width) {
    return createLinear(runtime, packed, { tokens: height * width, batch });
  }
  if (packed.type !== 'f32') {
    throw new SparseWasmError('BAD_OPTION', `Weights of type ${packed.type} are for linear layers only.`);
  }
  const allowed = algorithmsFor(packed.kernel, geometry);
  const algorithm =
    options.algorithm ?? (packed.algorithm && allowed.includes(packed.algorithm) ? packed.algorithm : 'direct');
  if (!allowed.includes(algorithm)) {
    throw new SparseWasmError('BAD_OPTION', `algorithm is ${algorithm}; this layer allows ${allowed.join(', ')}.`, {
      field: 'algorithm',
    });
  }
  if (algorithm === 'direct') return directConvolution(runtime, packed, geometry);
  return winogradConvolution(runtime, packed, geometry, algorithm === 'winograd-f2' ? 2 : 4);
}
