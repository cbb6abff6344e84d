import { addDims, type Dim, dimEquals, divideExactly, isSymbolic, multiplyDims, productOfDims } from '../dim.js';
import type { Axis } from './slot-context.js';
import type { SlotTable } from './slot-table.js';

/** A factor of an axis: slots, or a size that cannot be cut, with the reason if it is worth telling. */
export interface Factor {
  readonly size: Dim;
  readonly slots?: Int32Array;
  readonly reason?: string;
}

/** {@link Axis} with its inside visible. */
export interface FactoredAxis extends Axis {
  readonly factors: readonly Factor[];
}

/**
 * An axis of a constant. It has no slots of its own before it must: joined to an axis that has some, it takes those. Most
 * axes of a model's weights never need any.
 */
class LazyFactor implements Factor {
  private row: Int32Array | undefined;
  private same: LazyFactor | undefined;

  constructor(
    private readonly table: SlotTable,
    readonly size: number,
  ) {}

  get slots(): Int32Array {
    const root = this.root();
    root.row ??= this.table.row(this.size);
    return root.row;
  }

  hasNone(): boolean {
    return this.root().row === undefined;
  }

  take(other: Factor): void {
    if (!isUnset(other)) this.root().row = other.slots;
    else if (other.root() !== this.root()) this.root().same = other.root();
  }

  root(): LazyFactor {
    let root: LazyFactor = this;
    while (root.same) root = root.same;
    return root;
  }
}

/** Whether a factor will have slots and has none yet. */
function isUnset(factor: Factor): factor is LazyFactor {
  return factor instanceof LazyFactor && factor.hasNone();
}

function isSlotted(factor: Factor): boolean {
  return factor instanceof LazyFactor || factor.slots !== undefined;
}

/** The axis of a constant. */
export function axisOfConstant(table: SlotTable, size: number): FactoredAxis {
  return size === 1 ? fixedAxis(1) : { factors: [new LazyFactor(table, size)] };
}

export function axisOfSlots(slots: Int32Array): FactoredAxis {
  return { factors: [{ size: slots.length, slots }] };
}

export function fixedAxis(size: Dim, reason?: string): FactoredAxis {
  return { factors: size === 1 ? [] : [{ size, reason }] };
}

export function sizeOfAxis(axis: FactoredAxis): Dim {
  return productOfDims(axis.factors.map((factor) => factor.size));
}

export function hasSlots(axis: FactoredAxis): boolean {
  return axis.factors.some(isSlotted);
}

/** The axis as one factor: slots of the product where every factor is numeric, else one without slots. */
export function flattenAxis(table: SlotTable, axis: FactoredAxis): Factor {
  if (axis.factors.length === 1) return axis.factors[0];
  const size = sizeOfAxis(axis);
  if (isSymbolic(size) || !hasSlots(axis)) {
    return { size, reason: axis.factors.find((factor) => factor.reason)?.reason };
  }
  return { size, slots: productSlots(table, axis.factors) };
}

/** One slot for every combination of the factors' indices, the last factor running fastest. */
function productSlots(table: SlotTable, factors: readonly Factor[]): Int32Array {
  const rows = factors.map((factor) => slotsOfFactor(table, factor));
  const slots = table.row(rows.reduce((product, row) => product * row.length, 1));
  table.expandProduct(slots, rows);
  return slots;
}

/** The factor's slots; new pinned ones when it has none. */
function slotsOfFactor(table: SlotTable, factor: Factor): Int32Array {
  if (factor.slots) return factor.slots;
  const slots = table.row(factor.size as number);
  for (const slot of slots) table.pin(slot, factor.reason ?? 'of fixed size');
  return slots;
}

/** Cuts a factor of slots into a product of smaller ones: slot `i*d + j` becomes the conjunction of `i` and `j`. */
export function splitFactor(table: SlotTable, factor: Factor, sizes: readonly number[]): Factor[] {
  if (!factor.slots) return sizes.map((size) => ({ size, reason: factor.reason }));
  const parts = sizes.map((size) => table.row(size));
  // Factors of size 1 say nothing and would be atoms without effect.
  const rows = parts.filter((part) => part.length > 1);
  if (rows.length > 1) table.expandProduct(factor.slots, rows);
  else if (rows.length === 1) table.joinRows(factor.slots, rows[0]);
  return parts.map((slots) => ({ size: slots.length, slots }));
}

/** Joins two axes index by index. A side without slots pins the other: it cannot shrink along. */
export function joinAxes(table: SlotTable, a: FactoredAxis, b: FactoredAxis): void {
  if (a === b || a.factors.length === 0 || b.factors.length === 0) return;
  if (a.factors.length === b.factors.length && a.factors.every((f, i) => dimEquals(f.size, b.factors[i].size))) {
    for (const [i, factor] of a.factors.entries()) joinFactors(table, factor, b.factors[i]);
    return;
  }
  if (!hasSlots(a) && !hasSlots(b)) return;
  joinFactors(table, flattenAxis(table, a), flattenAxis(table, b));
}

function joinFactors(table: SlotTable, a: Factor, b: Factor): void {
  if (a.size === b.size && isUnset(a) && isSlotted(b)) a.take(b);
  else if (a.size === b.size && isUnset(b) && isSlotted(a)) b.take(a);
  else if (a.slots && b.slots) table.joinRows(a.slots, b.slots);
  else if (a.slots) pinFactor(table, a, b.reason ?? 'combined with a value of fixed size');
  else if (b.slots) pinFactor(table, b, a.reason ?? 'combined with a value of fixed size');
}

function pinFactor(table: SlotTable, factor: Factor, reason: string): void {
  if (factor.slots) for (const slot of factor.slots) table.pin(slot, reason);
}

export function pinAxis(table: SlotTable, axis: FactoredAxis, reason: string): void {
  for (const factor of axis.factors) pinFactor(table, factor, reason);
}

/** Slots picked by index. */
export function pickFromAxis(table: SlotTable, axis: FactoredAxis, indices: readonly number[]): FactoredAxis {
  const factor = flattenAxis(table, axis);
  if (!factor.slots) return fixedAxis(indices.length, factor.reason);
  return indices.length === 1 && factor.slots.length === 1
    ? axis
    : axisOfSlots(Int32Array.from(indices, (index) => factor.slots![index]));
}

/** `size` consecutive slots from `from` on. */
export function partOfAxis(table: SlotTable, axis: FactoredAxis, from: number, size: number): FactoredAxis {
  const factor = flattenAxis(table, axis);
  if (!factor.slots) return fixedAxis(size, factor.reason);
  return size === 1 && factor.slots.length === 1 ? axis : axisOfSlots(factor.slots.subarray(from, from + size));
}

/** One axis after the other. */
export function concatAxes(table: SlotTable, axes: readonly FactoredAxis[]): FactoredAxis {
  const total = axes.map(sizeOfAxis).reduce(addDims);
  if (!axes.some(hasSlots)) return fixedAxis(total, axes.map((axis) => axis.factors[0]?.reason).find(Boolean));
  if (isSymbolic(total)) {
    for (const axis of axes) pinAxis(table, axis, 'concatenated with a dimension known only at run time');
    return fixedAxis(total);
  }
  const slots = new Int32Array(total);
  let offset = 0;
  for (const axis of axes) {
    const row = slotsOfFactor(table, axis.factors.length === 0 ? { size: 1 } : flattenAxis(table, axis));
    slots.set(row, offset);
    offset += row.length;
  }
  return axisOfSlots(slots);
}

/**
 * Axes after a reshape from `axes` to `shape`. Input factors and output dimensions are walked from the left and matched in
 * runs of equal product: one to one passes through, one to many splits, many to one merges, anything else is refined as
 * far as the sizes divide and pinned where they do not.
 */
export function reshapeAxes(table: SlotTable, axes: readonly FactoredAxis[], shape: readonly Dim[]): FactoredAxis[] {
  const factors = axes.flatMap((axis) => axis.factors);
  const owners = axes.flatMap((axis) => axis.factors.map(() => axis));
  const out: FactoredAxis[] = [];
  let at = 0;
  let k = 0;
  while (k < shape.length) {
    if (shape[k] === 1) {
      out.push({ factors: [] });
      k++;
      continue;
    }
    let inEnd = at + 1;
    let outEnd = k + 1;
    let inSize: Dim = factors[at]?.size ?? 1;
    let outSize: Dim = shape[k];
    while (!dimEquals(inSize, outSize)) {
      const growIn = isBehind(inSize, outSize)
        ? inEnd < factors.length
        : outEnd >= shape.length && inEnd < factors.length;
      if (growIn) inSize = multiplyDims(inSize, factors[inEnd++].size);
      else if (outEnd < shape.length) outSize = multiplyDims(outSize, shape[outEnd++]);
      else break;
    }
    const run = factors.slice(at, inEnd);
    const dims = shape.slice(k, outEnd);
    const owner = owners[at];
    // The very same axis object passes through where nothing happens to it: a constant's axis stays recognisable.
    if (run.length === 1 && dims.length === 1 && owner?.factors.length === 1) out.push(owner);
    else out.push(...matchRun(table, run, dims));
    at = inEnd;
    k = outEnd;
  }
  return out;
}

/** Whether the input side must grow for the products to meet: it divides the output side, or is the smaller number. */
function isBehind(inSize: Dim, outSize: Dim): boolean {
  if (!isSymbolic(inSize) && !isSymbolic(outSize)) return inSize < outSize;
  return divideExactly(outSize, inSize) !== undefined;
}

function matchRun(table: SlotTable, run: readonly Factor[], dims: readonly Dim[]): FactoredAxis[] {
  if (dims.length === 1) return [{ factors: run }];
  const real = dims.filter((dim) => dim !== 1);
  const refined = run.every((factor) => !factor.slots) ? undefined : refine(table, [...run], real);
  if (!refined) {
    for (const factor of run) pinFactor(table, factor, 'reshaped in a way that mixes it with other axes');
    return dims.map((dim) => fixedAxis(dim, run.find((factor) => factor.reason)?.reason));
  }
  return dims.map((dim) => (dim === 1 ? { factors: [] } : { factors: refined.shift()! }));
}

/** Deals the factors of a run to the output dimensions, splitting a factor where a dimension ends inside it. */
function refine(table: SlotTable, run: Factor[], dims: readonly Dim[]): Factor[][] | undefined {
  const out: Factor[][] = [];
  for (const dim of dims) {
    const mine: Factor[] = [];
    let rest: Dim = dim;
    while (rest !== 1) {
      const factor = run.shift();
      if (!factor) return undefined;
      const quotient = divideExactly(rest, factor.size);
      if (quotient !== undefined) {
        mine.push(factor);
        rest = quotient;
        continue;
      }
      const inner = divideExactly(factor.size, rest);
      if (inner === undefined || (factor.slots && (isSymbolic(rest) || isSymbolic(inner)))) return undefined;
      const [first, second] = factor.slots
        ? splitFactor(table, factor, [rest as number, inner as number])
        : [
            { size: rest, reason: factor.reason },
            { size: inner, reason: factor.reason },
          ];
      mine.push(first);
      run.unshift(second);
      rest = 1;
    }
    out.push(mine);
  }
  return run.length === 0 ? out : undefined;
}
