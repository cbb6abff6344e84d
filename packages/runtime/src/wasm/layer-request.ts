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
  /** Name of its packed weights: the weight's, and in what other order than a checkpoint's its values lie. */
  readonly packName: string;
  /** The weight's values as `[outputs, inputs, kernelHeight, kernelWidth]`. */
  rows(values: Float32Array): Float32Array;
  readonly size: { readonly convolution: ConvolutionOptions } | { readonly linear: LinearOptions };
  /** Multiply-adds of a dense run. */
  readonly macs: number;
}

/** Name of packed weights whose values lie in the order that `order` says; empty for `[outputs, inputs, ...kernel]`. */
export function packNameOf(weight: ConstantValue | View, order: '' | 'inputs first' | 'turned'): string {
  const name = weight.kind === 'constant' ? weight.label : weight.buffer.label;
  return order ? `${name} (${order})` : name;
}

/** `[rows][columns]` as `[columns][rows]`. */
export function transposedRows(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!;
  return result;
}
