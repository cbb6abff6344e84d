import { SecateurError, stridesOf } from '@secateur/graph';
import type { Parameter } from '../parameters.js';
import { writeNOfM } from './n-of-m.js';

/** What shares one bit of an N:M mask. Ordinary masks: one row, one tap. */
export interface MaskStructure {
  /** Neighbouring output channels that share a pattern; the last few of a layer may be fewer. */
  readonly sharedRows: 1 | 2 | 4;
  /** Whether the taps of a kernel stay or go together. */
  readonly wholeKernels: boolean;
}

export const maskRows: readonly MaskStructure['sharedRows'][] = [1, 2, 4];

/** Memory that is kept from one step to the next. */
export interface MaskScratch {
  scores: Float32Array;
  bits: Uint8Array;
}

export function maskScratch(): MaskScratch {
  return { scores: new Float32Array(0), bits: new Uint8Array(0) };
}

/**
 * Keeps the `n` largest units of every run of `m` along the input channels. A unit's size is the sum of the magnitudes of what
 * it holds: one tap of one kernel, of `sharedRows` output channels, or all taps of them.
 *
 * @param parameter  a weight `[out, in, ...taps]` or, of a linear, `[in, out]`, whose input channels `m` divides
 * @throws {SecateurError} SHAPE_MISMATCH when the taps are stored between the channels
 */
export function writeStructuredNOfM(
  parameter: Pick<Parameter, 'name' | 'shape' | 'inputAxis' | 'outputAxis'>,
  values: Float32Array,
  { n, m }: { readonly n: number; readonly m: number },
  { sharedRows, wholeKernels }: MaskStructure,
  mask: Uint8Array,
  scratch: MaskScratch = maskScratch(),
): void {
  const { name, shape, inputAxis, outputAxis } = parameter;
  if (sharedRows === 1 && !wholeKernels) {
    writeNOfM(stridesOf(shape)[inputAxis], values, n, m, mask);
    return;
  }
  if (inputAxis > 1 || outputAxis > 1 || inputAxis < 0 || outputAxis < 0) {
    throw new SecateurError('SHAPE_MISMATCH', `${name} is stored as [${shape}], its taps before its channels.`, {
      field: name,
      hint: 'Use a pattern of single weights, or leave this one dense.',
    });
  }
  const strides = stridesOf(shape);
  const [outputs, inputs] = [shape[outputAxis], shape[inputAxis]];
  const [outputStride, inputStride] = [strides[outputAxis], strides[inputAxis]];
  const taps = values.length / (outputs * inputs);
  const width = wholeKernels ? 1 : taps;
  const size = Math.ceil(outputs / sharedRows) * inputs * width;
  if (scratch.scores.length < size)
    Object.assign(scratch, { scores: new Float32Array(size), bits: new Uint8Array(size) });
  const scores = scratch.scores.subarray(0, size);
  const bits = scratch.bits.subarray(0, size);
  scores.fill(0);
  for (let o = 0; o < outputs; o++) {
    const row = Math.floor(o / sharedRows) * inputs * width;
    for (let i = 0; i < inputs; i++) {
      const from = o * outputStride + i * inputStride;
      const to = row + i * width;
      if (wholeKernels) for (let t = 0; t < taps; t++) scores[to] += Math.abs(values[from + t]);
      else for (let t = 0; t < taps; t++) scores[to + t] += Math.abs(values[from + t]);
    }
  }
  writeNOfM(width, scores, n, m, bits);
  for (let o = 0; o < outputs; o++) {
    const row = Math.floor(o / sharedRows) * inputs * width;
    for (let i = 0; i < inputs; i++) {
      const from = o * outputStride + i * inputStride;
      const to = row + i * width;
      for (let t = 0; t < taps; t++) mask[from + t] = bits[wholeKernels ? to : to + t];
    }
  }
}
