import { layerInput } from '../layer-input.js';
import { type LayerRequest, packNameOf, transposedRows } from '../layer-request.js';
import type { Lowering } from '../lowering.js';
import type { PendingProduct } from '../pending.js';
import type { ConstantValue } from '../values.js';
import { newBuffer, reshapeView, type View, wholeView } from '../view.js';
import { channelMajor } from './channel-major.js';

/** From so many rows on, a matrix is turned around so that its rows lie along the vectors. */
const fewRows = 4;

/**
 * `x: [..., inputs]` times a weight, pending: `[..., outputs]`, channel-major in memory.
 *
 * @param weight  `[inputs, outputs]`, or `[outputs, inputs]` when `isTransposed`
 */
export function linear(
  lowering: Lowering,
  label: string,
  x: View,
  weight: ConstantValue | View,
  isTransposed: boolean,
  biases: readonly ConstantValue[] = [],
): View {
  const outputs = weight.shape[isTransposed ? 0 : 1]!;
  const inputs = weight.shape[isTransposed ? 1 : 0]!;
  const rank = x.shape.length;
  const resultShape = [...x.shape.slice(0, -1), outputs];
  const rows = x.shape.slice(0, -1).reduce((product, n) => product * n, 1);
  // A matrix of few rows: each row an image of one token, which is how it lies already.
  const isFew = rank <= 2 && rows < fewRows;
  const read = isFew ? reshapeView(x, [rows, inputs])! : rank === 2 ? reshapeView(x, [1, rows, inputs])! : x;
  const order = isFew ? [0, 1] : channelMajor(read.shape.length);
  const input = layerInput(lowering, read, order);
  const batch = read.shape[0]!;
  const tokens = isFew ? 1 : rows / Math.max(1, batch);
  const request: LayerRequest = {
    node: label,
    shape: { outputs, inputs },
    weight,
    packName: packNameOf(weight, isTransposed ? '' : 'inputs first'),
    rows: (values) => (isTransposed ? values : transposedRows(values, inputs, outputs)),
    size: { linear: { tokens, batch } },
    macs: rows * inputs * outputs,
  };
  const pending: PendingProduct = {
    kind: 'product',
    label,
    layer: request,
    input,
    batch,
    outputs,
    pixels: tokens,
    biases: [...biases],
  };
  const buffer = newBuffer(label, rows * outputs, pending);
  const whole = wholeView(buffer, [...read.shape.slice(0, -1), outputs], order);
  return reshapeView(whole, resultShape)!;
}
