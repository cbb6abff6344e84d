import { getInt, getInts, getString, sizeOf } from '@secateur/graph';
import { packNameOf } from '../layer-request.js';
import { naturalOrder, newBuffer, sliceView, wholeView } from '../view.js';
import { copyStep } from './copy.js';
import { fillStep } from './fill.js';
import type { NodeContext, OpLowering } from './op-lowering.js';

/**
 * As a convolution of stride 1: zeros between the pixels, kernels turned around. Upsamplers by fixed filters are written so; their
 * weights are far from the cost of a layer's.
 */
export const convTranspose: OpLowering = {
  op: 'ConvTranspose',
  lower(context) {
    const { lowering, label } = context;
    const read = context.value(1);
    const weight = read.kind === 'view' ? lowering.ready(read) : read;
    const bias = context.constant(2);
    const given = context.shape(0);
    if (weight.kind === 'host' || given.length !== 4 || (context.has(2) && !bias)) {
      return context.refuse('is no transposed convolution over two axes with a constant bias');
    }
    const [batch, inputs, height, width] = given as [number, number, number, number];
    const { strides, pads, kernel } = windowOf(context, weight.shape);
    const [, outputs, outHeight, outWidth] = context.outputShape() as [number, number, number, number];
    const groups = getInt(context.node, 'group', 1);
    const spread = [height, width].map((size, i) => (size - 1) * strides[i]! + 1) as [number, number];
    const stretched = lowering.make(`${label} (stretched)`, [batch, inputs, ...spread], naturalOrder(4));
    lowering.emit(fillStep(stretched, 0));
    const places = sliceView(sliceView(stretched, 2, 0, height, strides[0]), 3, 0, width, strides[1]);
    lowering.emit(copyStep(lowering.ready(context.view(0)), places));
    const before = [kernel[0] - 1 - pads[0]!, kernel[1] - 1 - pads[1]!] as const;
    const after = [outHeight, outWidth].map((out, i) => out + kernel[i]! - 1 - spread[i]! - before[i]!) as [
      number,
      number,
    ];
    if (Math.min(...before, ...after) < 0) return context.refuse('cuts off more than its kernel reaches');
    const layer = {
      node: label,
      shape: { outputs, inputs, kernel },
      weight,
      packName: packNameOf(weight, 'turned'),
      rows: (values: Float32Array) => turned(values, inputs, outputs, kernel, groups),
      size: {
        convolution: {
          height: spread[0],
          width: spread[1],
          batch,
          padding: [before[0], before[1], after[0], after[1]] as const,
        },
      },
      macs: (batch * outHeight * outWidth * outputs * inputs * sizeOf(kernel)) / groups,
    };
    const shape = context.outputShape();
    const buffer = newBuffer(label, sizeOf(shape), {
      kind: 'product',
      label,
      layer,
      input: { sources: [stretched] },
      batch,
      outputs,
      pixels: outHeight * outWidth,
      biases: bias ? [bias] : [],
    });
    return [wholeView(buffer, shape)];
  },
};

function windowOf(context: NodeContext, weight: readonly number[]) {
  const { node } = context;
  const kernel = [weight[2]!, weight[3]!] as const;
  const isPlain = getString(node, 'auto_pad', 'NOTSET') === 'NOTSET' && !getInts(node, 'output_shape');
  const isDilated = (getInts(node, 'dilations') ?? []).some((step) => step !== 1);
  if (!isPlain || isDilated || Math.max(...kernel) > 7) {
    return context.refuse('has padding chosen by name, dilation or a kernel above 7 x 7');
  }
  return { kernel, strides: getInts(node, 'strides') ?? [1, 1], pads: getInts(node, 'pads') ?? [0, 0, 0, 0] };
}

/** `[inputs, outputs / groups, kernelHeight, kernelWidth]` as a convolution's weights over all inputs, each kernel turned around. */
function turned(
  values: Float32Array,
  inputs: number,
  outputs: number,
  kernel: readonly [number, number],
  groups: number,
): Float32Array {
  const taps = kernel[0] * kernel[1];
  const [perGroup, inputsPerGroup] = [outputs / groups, inputs / groups];
  const result = new Float32Array(outputs * inputs * taps);
  for (let c = 0; c < inputs; c++) {
    const group = Math.floor(c / inputsPerGroup);
    for (let k = 0; k < perGroup; k++) {
      const from = (c * perGroup + k) * taps;
      const to = ((group * perGroup + k) * inputs + c) * taps;
      for (let t = 0; t < taps; t++) result[to + t] = values[from + taps - 1 - t]!;
    }
  }
  return result;
}
