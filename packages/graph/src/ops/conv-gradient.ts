import { type Dim, isSymbolic, productOfDims } from '../dim.js';
import { int, ints } from '../graph.js';
import type { GradientContext } from '../op-record.js';
import { isPointwise, type Window } from './window.js';

/** An end beyond every axis: "to the end" for Slice. */
const toEnd = 2 ** 31 - 1;

/**
 * Gradient of a convolution's input: a convolution of the output's gradient with the weights flipped and transposed
 * where the stride is 1 (as fast as the forward pass; engines prepare constant weights once), else a transposed one.
 *
 * @param gradient  `[batch, out, ...spatial]`
 * @param x  the convolution's input, of shape `xShape`
 * @param w  `[out, channels / groups, ...kernel]`
 */
export function inputGradient(
  context: GradientContext,
  gradient: string,
  x: string,
  xShape: readonly Dim[],
  w: string,
  wShape: readonly number[],
  window: Window,
  groups: number,
): string {
  const { builder } = context;
  const { kernel, strides, dilations, before, after } = window;
  const reach = kernel.map((size, i) => dilations[i] * (size - 1));
  if (strides.every((stride) => stride === 1) && before.every((pad, i) => pad <= reach[i] && after[i] <= reach[i])) {
    const pads = [...reach.map((r, i) => r - before[i]), ...reach.map((r, i) => r - after[i])];
    const attributes = { pads: ints(pads), dilations: ints(dilations), kernel_shape: ints(kernel), group: int(groups) };
    return builder.op('Conv', [gradient, flipped(context, w, wShape, groups)], attributes);
  }
  const shared = { strides: ints(strides), dilations: ints(dilations), kernel_shape: ints(kernel), group: int(groups) };
  const rest = xShape
    .slice(2)
    .map((dim, i) => (isSymbolic(dim) ? undefined : (dim + before[i] + after[i] - reach[i] - 1) % strides[i]));
  if (rest.every((size) => size !== undefined)) {
    const attributes = { ...shared, pads: ints([...before, ...after]), output_padding: ints(rest) };
    return builder.op('ConvTranspose', [gradient, w], attributes);
  }
  // How many last rows no window reached is known only at run time: make all there could be, then cut to x's size.
  const wide = builder.op('ConvTranspose', [gradient, w], {
    ...shared,
    output_padding: ints(strides.map((stride) => stride - 1)),
  });
  const axes = kernel.map((_, i) => i + 2);
  const size = builder.op('Gather', [builder.op('Shape', [x]), builder.ints(axes)]);
  const ends = builder.op('Add', [size, builder.ints(before)]);
  return builder.op('Slice', [wide, builder.ints(before), ends, builder.ints(axes)]);
}

/** Weights for the backward convolution: `[channels, out / groups, ...kernel]`, the kernel turned by 180 degrees. */
function flipped(context: GradientContext, w: string, shape: readonly number[], groups: number): string {
  const { builder } = context;
  const [out, perGroup, ...kernel] = shape;
  const taps = kernel.reduce((product, size) => product * size, 1);
  const parts = builder.op('Reshape', [w, builder.ints([groups, out / groups, perGroup, taps])]);
  const swapped = builder.op('Transpose', [parts], { perm: ints([0, 2, 1, 3]) });
  const reversed = Array.from({ length: taps }, (_, i) => taps - 1 - i);
  const turned = taps === 1 ? swapped : builder.op('Gather', [swapped, builder.ints(reversed)], { axis: int(3) });
  return builder.op('Reshape', [turned, builder.ints([groups * perGroup, out / groups, ...kernel])]);
}

/**
 * Gradient of a convolution's weights, `[out, channels / groups, ...kernel]`. No form needs the batch or the spatial size
 * before running; known sizes only choose among forms.
 *
 * Measured on onnxruntime 1.30 at batch 8, one thread, milliseconds of processor time, for 3x3 kernels of 128→128 channels
 * at 32x32, 256→128 at 32x32, 256→256 at 16x16, 512→256 at 8x8, 256→256 at 4x4:
 *
 *   one convolution                      22.5  41.7  19.7  10.3  2.1
 *   one product per tap, channels last   24.9  51.5  21.0  12.1  2.5
 *   im2col, batch and space as one axis  33.5  66.0  27.5     -  3.4
 *
 * The convolution is one operator instead of about forty-five: it needs no copies of shifted inputs. For 1x1 kernels,
 * products per sample win on large pictures (256→128 at 32x32: 114 against 86 GFLOP/s), one product over all samples on
 * small ones (512→256 at 8x8: 88 against 52).
 */
export function weightGradient(
  context: GradientContext,
  gradient: string,
  x: string,
  xShape: readonly Dim[],
  wShape: readonly number[],
  window: Window,
  groups: number,
): string {
  if (groups > 1) return groupedProducts(context, gradient, x, wShape, window, groups);
  if (!isPointwise(window)) {
    const isDense = window.dilations.every((dilation) => dilation === 1);
    return (isDense ? oneConvolution : productPerTap)(context, gradient, x, wShape, window);
  }
  const area = productOfDims(xShape.slice(2));
  const isSmall = !isSymbolic(area) && area < 256;
  return isSmall ? productOverAll(context, gradient, x, wShape) : productPerSample(context, gradient, x, wShape);
}

/**
 * The weight gradient as one convolution that slides the output's gradient over the input, batch as input channels. The
 * image is laid out channels last with width and channels as one axis, so that one axis of the result enumerates taps and
 * channels: `[1, batch, height, width * channels]` with kernel `[out, batch, outHeight, outWidth]`, dilated by the stride,
 * gives `[1, out, kernelHeight, kernelWidth * channels]`. Input and gradient change places where that makes the kernel the
 * larger side; the taps then come out in reverse.
 */
function oneConvolution(
  context: GradientContext,
  gradient: string,
  x: string,
  wShape: readonly number[],
  window: Window,
): string {
  const { builder } = context;
  const { kernel, strides } = window;
  const [out, channels] = wShape;
  const isSwapped = channels >= 2 * out && out < 256 && strides.every((stride) => stride === 1);
  const [image, filter, imageChannels, filters] = isSwapped
    ? [gradient, x, out, channels]
    : [x, gradient, channels, out];
  const rank = kernel.length;
  const spatial = kernel.map((_, i) => i + 2);
  const widened = (sizes: readonly number[]) => sizes.map((size, i) => (i === rank - 1 ? size * imageChannels : size));
  const filterFirst = builder.op('Transpose', [filter], { perm: ints([1, 0, ...spatial]) });
  const channelsLast = builder.op('Transpose', [image], { perm: ints([0, ...spatial, 1]) });
  const rows = builder.op('Reshape', [channelsLast, builder.ints([...new Array<number>(rank).fill(0), -1])]);
  const pads = [window.before, window.after].map((side) =>
    widened(isSwapped ? side.map((pad, i) => kernel[i] - 1 - pad) : side),
  );
  // No `kernel_shape`: it is the gradient's spatial size, which may be known only at run time.
  const slid = builder.op('Conv', [builder.op('Unsqueeze', [rows, builder.ints([0])]), filterFirst], {
    dilations: ints(widened(strides)),
    pads: ints(pads.flat()),
  });
  const taps = kernel.reduce((product, size) => product * size, 1);
  // With a stride, rows and columns that no window reached make extra entries at the end.
  const exact = strides.every((stride) => stride === 1) ? slid : firstEntries(context, slid, widened(kernel));
  const split = builder.op('Reshape', [exact, builder.ints([filters, taps, imageChannels])]);
  if (!isSwapped) {
    return builder.op('Reshape', [builder.op('Transpose', [split], { perm: ints([0, 2, 1]) }), builder.ints(wShape)]);
  }
  const reversed = Array.from({ length: taps }, (_, i) => taps - 1 - i);
  const turned = builder.op('Gather', [split, builder.ints(reversed)], { axis: int(1) });
  return builder.op('Reshape', [builder.op('Transpose', [turned], { perm: ints([2, 0, 1]) }), builder.ints(wShape)]);
}

/** The first `sizes` entries of the spatial axes. */
function firstEntries(context: GradientContext, value: string, sizes: readonly number[]): string {
  const { builder } = context;
  const axes = sizes.map((_, i) => i + 2);
  return builder.op('Slice', [value, builder.ints(sizes.map(() => 0)), builder.ints(sizes), builder.ints(axes)]);
}

/** `G X_t` for every kernel tap `t`, where `X_t: [positions, channels]` is the input as the tap sees it. */
function productPerTap(
  context: GradientContext,
  gradient: string,
  x: string,
  wShape: readonly number[],
  window: Window,
): string {
  const { builder } = context;
  const { kernel, before, after } = window;
  const [out, channels] = wShape;
  const rank = kernel.length;
  const left = rowsOf(context, gradient, out, rank);
  const last = builder.op('Transpose', [x], { perm: ints([0, ...kernel.map((_, i) => i + 2), 1]) });
  const isPadded = [...before, ...after].some((pad) => pad > 0);
  const padded = isPadded ? builder.op('Pad', [last, builder.ints([0, ...before, 0, 0, ...after, 0])]) : last;
  const products = tapViews(context, padded, window, 1).map((view) => {
    const right = builder.op('Reshape', [view, builder.ints([-1, channels])]);
    return builder.op('Reshape', [builder.op('MatMul', [left, right]), builder.ints([out, 1, channels])]);
  });
  // Joined in blocks of channels, then turned once: single elements joined one by one cost more than a small product.
  const joined = products.length === 1 ? products[0] : builder.op('Concat', products, { axis: int(1) });
  const turned = builder.op('Transpose', [joined], { perm: ints([0, 2, 1]) });
  return builder.op('Reshape', [turned, builder.ints(wShape)]);
}

/** `sum_n G_n X_n^T`, without moving either. */
function productPerSample(context: GradientContext, gradient: string, x: string, wShape: readonly number[]): string {
  const { builder } = context;
  const flat = (value: string) => builder.op('Reshape', [value, builder.ints([0, 0, -1])]);
  const right = builder.op('Transpose', [flat(x)], { perm: ints([0, 2, 1]) });
  const products = builder.op('MatMul', [flat(gradient), right]);
  const sum = builder.op('ReduceSum', [products, builder.ints([0])], { keepdims: int(0) });
  return builder.op('Reshape', [sum, builder.ints(wShape)]);
}

/** `G X^T` with batch and space as one inner dimension. */
function productOverAll(context: GradientContext, gradient: string, x: string, wShape: readonly number[]): string {
  const { builder } = context;
  const [out, channels, ...kernel] = wShape;
  const left = rowsOf(context, gradient, out, kernel.length);
  const right = rowsOf(context, x, channels, kernel.length);
  return builder.op('Reshape', [builder.op('Gemm', [left, right], { transB: int(1) }), builder.ints(wShape)]);
}

/** A batch of products, one for every conv group, with the taps side by side. */
function groupedProducts(
  context: GradientContext,
  gradient: string,
  x: string,
  wShape: readonly number[],
  window: Window,
  groups: number,
): string {
  const { builder } = context;
  const { kernel, before, after } = window;
  const [out, perGroup] = wShape;
  const taps = kernel.reduce((product, size) => product * size, 1);
  const swapped = builder.op('Transpose', [x], { perm: ints([1, 0, ...kernel.map((_, i) => i + 2)]) });
  const padded = builder.op('Pad', [swapped, builder.ints([0, 0, ...before, 0, 0, ...after])]);
  const views = tapViews(context, padded, window, 2).map((view) =>
    builder.op('Reshape', [view, builder.ints([0, 1, -1])]),
  );
  const columns = builder.op('Concat', views, { axis: int(1) });
  const right = builder.op('Reshape', [columns, builder.ints([groups, perGroup * taps, -1])]);
  const rows = rowsOf(context, gradient, out, kernel.length);
  const left = builder.op('Reshape', [rows, builder.ints([groups, out / groups, -1])]);
  const product = builder.op('MatMul', [left, builder.op('Transpose', [right], { perm: ints([0, 2, 1]) })]);
  return builder.op('Reshape', [product, builder.ints(wShape)]);
}

/** `[batch, channels, ...spatial]` as `[channels, batch * positions]`. */
function rowsOf(context: GradientContext, value: string, channels: number, spatialRank: number): string {
  const { builder } = context;
  const perm = [1, 0, ...Array.from({ length: spatialRank }, (_, i) => i + 2)];
  return builder.op('Reshape', [builder.op('Transpose', [value], { perm: ints(perm) }), builder.ints([channels, -1])]);
}

/** The padded input as every kernel tap sees it; spatial axes start at `firstAxis`. */
function tapViews(context: GradientContext, padded: string, window: Window, firstAxis: number): string[] {
  const { builder } = context;
  const { kernel, strides, dilations } = window;
  const axes = builder.ints(kernel.map((_, i) => i + firstAxis));
  const steps = builder.ints(strides);
  const taps = kernel.reduce((product, size) => product * size, 1);
  return Array.from({ length: taps }, (_, tap) => {
    const at = kernel.length === 1 ? [tap] : [Math.floor(tap / kernel[1]), tap % kernel[1]];
    const starts = at.map((i, axis) => i * dilations[axis]);
    // Ends counted from the back: with a stride the Slice itself leaves out what no window reaches.
    const ends = at.map((i, axis) => (i === kernel[axis] - 1 ? toEnd : -(kernel[axis] - 1 - i) * dilations[axis]));
    return builder.op('Slice', [padded, builder.ints(starts), builder.ints(ends), axes, steps]);
  });
}
