import type { Axis, Role, SlotContext } from '../coupling/slot-context.js';
import { broadcastShapes, type Dim, isSymbolic, shapeText } from '../dim.js';
import type { InferContext } from '../op-record.js';
import { isFloat, sizeOf, stridesOf, type Tensor, toFloat32 } from '../tensor.js';
import { doublesOf } from './doubles.js';

/** Shape of all inputs broadcast together. @throws {SecateurError} SHAPE_MISMATCH when they do not broadcast */
export function inferBroadcast(context: InferContext): Dim[] {
  let shape: readonly Dim[] = context.input(0).shape;
  for (let i = 1; i < context.inputCount; i++) {
    const next = broadcastShapes(shape, context.input(i).shape);
    if (!next) context.fail(`${shapeText(shape)} and ${shapeText(context.input(i).shape)} do not broadcast`);
    shape = next;
  }
  return [...shape];
}

/** `f` of the elements of all inputs broadcast together, in double precision. */
export function mapBroadcast(
  inputs: readonly Tensor[],
  f: (...values: number[]) => number,
): { shape: number[]; values: Float64Array } {
  const shape = inputs.reduce<readonly Dim[]>((a, b) => broadcastShapes(a, b.shape)!, []) as number[];
  const values = new Float64Array(sizeOf(shape));
  const data = inputs.map(doublesOf);
  const offsets = inputs.map((input) => broadcastOffsets(input.shape, shape));
  const [a, b] = data;
  if (inputs.length === 2) {
    const [oa, ob] = offsets;
    for (let i = 0; i < values.length; i++) values[i] = f(a[oa[i]], b[ob[i]]);
  } else {
    for (let i = 0; i < values.length; i++) values[i] = f(...data.map((row, k) => row[offsets[k][i]]));
  }
  return { shape, values };
}

/** For every element of `to`, row-major, the element of a tensor of shape `from` that broadcasting puts there. */
export function broadcastOffsets(from: readonly number[], to: readonly number[]): Int32Array {
  const lead = to.length - from.length;
  const steps = stridesOf(from).map((stride, axis) => (from[axis] === 1 ? 0 : stride));
  const offsets = new Int32Array(sizeOf(to));
  let run = 1;
  // From the innermost axis outwards: what is filled so far repeats, shifted by the axis' step.
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const step = axis < lead ? 0 : steps[axis - lead];
    for (let i = 1; i < to[axis]; i++) {
      for (let j = 0; j < run; j++) offsets[i * run + j] = offsets[j] + i * step;
    }
    run *= to[axis];
  }
  return offsets;
}

/**
 * Elements of output 0 of an integer operator applied element by element, from the elements of its inputs; `undefined`
 * when some are unknown or `f` does not know the result.
 */
export function broadcastElements(
  context: InferContext,
  shape: readonly Dim[],
  f: (values: readonly Dim[]) => Dim | undefined,
): readonly Dim[] | undefined {
  if (shape.length > 1) return undefined;
  const rows: (readonly Dim[])[] = [];
  for (let i = 0; i < context.inputCount; i++) {
    const row = context.elements(i) ?? wholeFloats(context.constant(i));
    if (!row) return undefined;
    rows.push(row);
  }
  const length = shape[0] ?? 1;
  if (isSymbolic(length)) return undefined;
  const elements: Dim[] = [];
  for (let k = 0; k < length; k++) {
    const element = f(rows.map((row) => (row.length === 1 ? row[0] : row[k])));
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements;
}

/** A float constant of whole numbers: the 2 that sizes are multiplied with before an upsampling. */
function wholeFloats(constant: Tensor | undefined): readonly number[] | undefined {
  if (!constant || constant.data.length > 64 || !isFloat(constant.dtype)) return undefined;
  const values = Array.from(toFloat32(constant));
  return values.every(Number.isInteger) ? values : undefined;
}

/**
 * Slots of an operator applied element by element to the inputs `which`: along every output axis the inputs that are
 * not broadcast there live or die together. `role` is what a constant among them does.
 */
export function broadcastSlots(context: SlotContext, which: readonly number[], role: Role): Axis[] {
  const rank = context.output(0).shape.length;
  return Array.from({ length: rank }, (_, position) => {
    let axis: Axis | undefined;
    let isNumeric = false;
    for (const i of which) {
      const { shape } = context.input(i);
      const at = position - (rank - shape.length);
      if (at < 0 || shape[at] === 1) continue;
      context.role(i, at, role);
      const mine = context.axes(i)[at];
      if (axis) context.join(axis, mine);
      // An axis of known size has slots where a symbolic one has none.
      if (!axis || (!isNumeric && !isSymbolic(shape[at]))) axis = mine;
      isNumeric ||= !isSymbolic(shape[at]);
    }
    return axis ?? context.blank();
  });
}
