import type { ConvolutionOptions, LinearOptions, WeightShape } from '@secateur/sparse-wasm';
import type { ConstantValue } from './values.js';
import type { View } from './view.js';

/** A convolution or a linear layer, before its weights are read. */
export interface LayerRequest {
  /** Node that it computes: for messages. */
  readonly node: string;
  readonly shape: WeightShape;
  /** A constant, or the engine's memory where weights change between runs. */
  readonly weight: ConstantValue | View;
  /** The weight's values as `[outputs, inputs, kernelHeight, kernelWidth]`. */
  rows(values: Float32Array): Float32Array;
  readonly size: { readonly convolution: ConvolutionOptions } | { readonly linear: LinearOptions };
  /** Multiply-adds of a dense run. */
  readonly macs: number;
}

/** `[rows][columns]` as `[columns][rows]`. */
export function transposedRows(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!;
  return result;
}
