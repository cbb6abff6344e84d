import type { Lowering } from '../lowering.js';
import { naturalOrder, reshapeView, sliceView, type View } from '../view.js';
import type { Geometry } from './conv-geometry.js';
import { copyStep } from './copy.js';
import { fillStep } from './fill.js';

/**
 * What each output pixel of a convolution sees, as a tensor: `[batch, channels * taps, pixels]`. For strides, dilations and kernels that
 * the convolution kernels do not have; patch embeddings are the common case.
 */
export function patches(lowering: Lowering, x: View, geometry: Geometry): View {
  const { height, width, kernel, stride, dilation, outHeight, outWidth } = geometry;
  const [batch, channels] = x.shape as [number, number];
  const padded = withBorder(lowering, reshapeView(lowering.dense(x), [batch, channels, height, width])!, geometry);
  const [image, plane, row, column] = padded.strides as [number, number, number, number];
  const windows: View = {
    ...padded,
    shape: [batch, channels, ...kernel, outHeight, outWidth],
    strides: [image, plane, row * dilation[0], column * dilation[1], row * stride[0], column * stride[1]],
  };
  const copy = lowering.make(`${x.buffer.label} (patches)`, windows.shape);
  lowering.emit(copyStep(windows, copy));
  return reshapeView(copy, [batch, channels * kernel[0] * kernel[1], outHeight * outWidth])!;
}

function withBorder(lowering: Lowering, x: View, { height, width, before, after }: Geometry): View {
  if (Math.max(...before, ...after) === 0) return x;
  const [batch, channels] = x.shape as [number, number];
  const shape = [batch, channels, height + before[0] + after[0], width + before[1] + after[1]];
  const padded = lowering.make(`${x.buffer.label} (padded)`, shape, naturalOrder(4));
  lowering.emit(fillStep(padded, 0));
  const inside = sliceView(sliceView(padded, 2, before[0], height), 3, before[1], width);
  lowering.emit(copyStep(x, inside));
  return padded;
}
