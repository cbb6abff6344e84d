import { addDims, type Dim, dimEquals, dimText, isSymbolic } from '../dim.js';
import { getString } from '../graph.js';
import { defineOp, type InferContext, type OpRecord } from '../op-record.js';
import { allocate, sizeOf, stridesOf, tensor, toNumbers } from '../tensor.js';
import { knownNumbers, normalAxis, uncut } from './views.js';

/** Padding before and after every axis. */
interface Pads<T extends Dim> {
  readonly before: readonly T[];
  readonly after: readonly T[];
}

function spreadPads<T extends Dim>(
  flat: readonly T[],
  axes: readonly number[] | undefined,
  rank: number,
  fail: (message: string) => never,
): Pads<T | 0> {
  const before = new Array<T | 0>(rank).fill(0);
  const after = new Array<T | 0>(rank).fill(0);
  const at = axes?.map((axis) => normalAxis(axis, rank, fail)) ?? [...before.keys()];
  if (flat.length !== 2 * at.length) fail(`${flat.length} pads for ${at.length} axes; ${2 * at.length} expected`);
  at.forEach((axis, i) => {
    before[axis] = flat[i];
    after[axis] = flat[i + at.length];
  });
  if (flat.some((pad) => typeof pad === 'number' && pad < 0))
    fail(`pads [${flat.map(dimText)}] contain a negative number; crop with Slice instead`);
  return { before, after };
}

function padsOf(context: InferContext, rank: number): Pads<Dim> {
  const mode = getString(context.node, 'mode', 'constant');
  if (mode !== 'constant') context.fail(`mode "${mode}" is not covered; only "constant" is`);
  const flat = context.elements(1) ?? context.fail('its pads are not known before running');
  const axes = context.has(3)
    ? (knownNumbers(context, 3) ?? context.fail('its axes are not known before running'))
    : undefined;
  return spreadPads(flat, axes, rank, context.fail);
}

const pad = defineOp({
  op: 'Pad',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const { before, after } = padsOf(context, shape.length);
    return [{ dtype, shape: shape.map((dim, i): Dim => addDims(dim, addDims(before[i], after[i]))) }];
  },
  slots(context) {
    const [from, to] = [context.input(0).shape, context.output(0).shape];
    // Pads known only as symbols are not numbers: such axes are pinned.
    const flat = context.input(1).elements ?? context.numbers(1)!;
    const axes = context.has(3) ? context.numbers(3) : undefined;
    const { before, after } = spreadPads<Dim>(flat, axes, from.length, fail);
    context.set(
      0,
      context.axes(0).map((axis, i) => {
        if (dimEquals(from[i], to[i])) return axis;
        const [first, last] = [before[i], after[i]];
        if (isSymbolic(from[i]) || isSymbolic(first) || isSymbolic(last)) {
          context.pin(axis, 'padded');
          return uncut(context, to[i], 'padded');
        }
        const padding = (size: number) => (size > 0 ? [context.fixed(size, 'padded')] : []);
        return context.concat([...padding(first), axis, ...padding(last)]);
      }),
    );
  },
  gradient(context) {
    const { builder, node } = context;
    const none = node.inputs.slice(1).map(() => undefined);
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, ...none];
    const flat = constantNumbers(context.constant(1)) ?? context.fail('its pads are not constant');
    const axes = constantNumbers(context.constant(3));
    const { before, after } = spreadPads(flat, axes, context.input(0).shape.length, context.fail);
    const touched = [...before.keys()].filter((axis) => before[axis] + after[axis] > 0);
    if (touched.length === 0) return [gradient, ...none];
    // Ends are counted from the back, so that symbolic sizes need not be known.
    const ends = touched.map((axis) => (after[axis] > 0 ? -after[axis] : 2 ** 31 - 1));
    const starts = touched.map((axis) => before[axis]);
    return [builder.op('Slice', [gradient, builder.ints(starts), builder.ints(ends), builder.ints(touched)]), ...none];
  },
  evaluate(context) {
    const x = context.input(0);
    const fill = context.inputs[2]?.data[0] ?? (x.data instanceof BigInt64Array ? 0n : 0);
    const axes = constantNumbers(context.inputs[3]);
    const { before, after } = spreadPads(toNumbers(context.input(1)), axes, x.shape.length, fail);
    const shape = x.shape.map((size, i) => size + before[i] + after[i]);
    const data = allocate(x.dtype, sizeOf(shape));
    (data as Float32Array).fill(fill as number);
    const strides = stridesOf(shape);
    const inStrides = stridesOf(x.shape);
    for (let i = 0; i < x.data.length; i++) {
      let to = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        to += ((Math.floor(i / inStrides[axis]) % x.shape[axis]) + before[axis]) * strides[axis];
      }
      data[to] = x.data[i];
    }
    return [tensor(x.dtype, shape, data)];
  },
});

function constantNumbers(value: Parameters<typeof toNumbers>[0] | undefined): number[] | undefined {
  return value && toNumbers(value);
}

function fail(message: string): never {
  throw new Error(message);
}

export const padOps: readonly OpRecord[] = [pad];
