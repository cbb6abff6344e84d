import { type Dim, isSymbolic } from '../dim.js';
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
 * Gradient of a convolution's weights, `[out, channels / groups, ...kernel]`, as matrix products of the output's
 * gradient with the input shifted once per kernel tap. No form needs the batch or the spatial size before running.
 */
export function weightGradient(
  context: GradientContext,
  gradient: string,
  x: string,
  wShape: readonly number[],
  window: Window,
  groups: number,
): string {
  const { builder } = context;
  const [out, perGroup] = wShape;
  const taps = window.kernel.reduce((product, size) => product * size, 1);
  // Channels first, so that batch and space are one inner dimension: one product over all samples.
  const swap = ints([1, 0, ...window.kernel.map((_, i) => i + 2)]);
  const rows = builder.op('Reshape', [builder.op('Transpose', [gradient], { perm: swap }), builder.ints([out, -1])]);
  const columns = builder.op('Reshape', [
    shifted(context, builder.op('Transpose', [x], { perm: swap }), window),
    builder.ints([perGroup * groups * taps, -1]),
  ]);
  if (groups === 1) {
    const product = builder.op('Gemm', [rows, columns], { transB: int(1) });
    return builder.op('Reshape', [product, builder.ints(wShape)]);
  }
  const left = builder.op('Reshape', [rows, builder.ints([groups, out / groups, -1])]);
  const right = builder.op('Reshape', [columns, builder.ints([groups, perGroup * taps, -1])]);
  const product = builder.op('MatMul', [left, builder.op('Transpose', [right], { perm: ints([0, 2, 1]) })]);
  return builder.op('Reshape', [product, builder.ints(wShape)]);
}

/** `x: [channels, batch, ...spatial]` once per kernel tap, as the window sees it: `[channels, taps, positions]`. */
function shifted(context: GradientContext, x: string, window: Window): string {
  const { builder } = context;
  if (isPointwise(window)) return x;
  const { kernel, strides, dilations, before, after } = window;
  const isPadded = [...before, ...after].some((pad) => pad > 0);
  const padded = isPadded ? builder.op('Pad', [x, builder.ints([0, 0, ...before, 0, 0, ...after])]) : x;
  const axes = builder.ints(kernel.map((_, i) => i + 2));
  const steps = builder.ints(strides);
  const taps = kernel.reduce((product, size) => product * size, 1);
  const views = Array.from({ length: taps }, (_, tap) => {
    const at = kernel.length === 1 ? [tap] : [Math.floor(tap / kernel[1]), tap % kernel[1]];
    const starts = at.map((i, axis) => i * dilations[axis]);
    // Ends counted from the back: with a stride the Slice itself leaves out what no window reaches.
    const ends = at.map((i, axis) => (i === kernel[axis] - 1 ? toEnd : -(kernel[axis] - 1 - i) * dilations[axis]));
    const view = builder.op('Slice', [padded, builder.ints(starts), builder.ints(ends), axes, steps]);
    return builder.op('Reshape', [view, builder.ints([0, 1, -1])]);
  });
  return taps === 1 ? views[0] : builder.op('Concat', views, { axis: int(1) });
}
