import { describe, expect, it } from 'vitest';
import {
  axisOfConstant,
  axisOfSlots,
  concatAxes,
  type FactoredAxis,
  fixedAxis,
  hasSlots,
  joinAxes,
  pickFromAxis,
  reshapeAxes,
  sizeOfAxis,
} from '../../src/coupling/axis.js';
import { SlotTable } from '../../src/coupling/slot-table.js';
import { type Dim, dimText, multiplyDims, symbol } from '../../src/dim.js';

const batch = symbol('batch');
const tokens = symbol('tokens');
const sizes = (axes: readonly FactoredAxis[]) => axes.map((axis) => dimText(sizeOfAxis(axis)));
const slotsOf = (axis: FactoredAxis) => Array.from(axis.factors[0].slots ?? []);

describe('reshapeAxes', () => {
  const table = () => new SlotTable();

  it('passes untouched axes through as the same objects', () => {
    const t = table();
    const axes = [fixedAxis(batch), axisOfSlots(t.row(6)), fixedAxis(tokens)];
    const out = reshapeAxes(t, axes, [batch, 6, tokens]);
    expect(out[1]).toBe(axes[1]);
  });

  it('splits channels into heads and inner dimensions', () => {
    const t = table();
    const row = t.row(6);
    const out = reshapeAxes(t, [fixedAxis(batch), fixedAxis(tokens), axisOfSlots(row)], [batch, tokens, 2, 3]);
    const [heads, dims] = [slotsOf(out[2]), slotsOf(out[3])];
    expect([heads.length, dims.length]).toEqual([2, 3]);
    expect(t.atomsOf(row[4])).toEqual([heads[1], dims[1]]);
  });

  it('merges heads back so that the product joins with a plain axis', () => {
    const t = table();
    const [heads, dims, plain] = [axisOfSlots(t.row(2)), axisOfSlots(t.row(3)), axisOfSlots(t.row(6))];
    const [, merged] = reshapeAxes(t, [fixedAxis(batch), heads, dims], [batch, 6]);
    joinAxes(t, merged, plain);
    expect(t.atomsOf(slotsOf(plain)[5])).toEqual([slotsOf(heads)[1], slotsOf(dims)[2]]);
  });

  it('keeps heads visible inside a symbolic product and recovers them', () => {
    const t = table();
    const heads = axisOfSlots(t.row(4));
    const product = multiplyDims(batch, 4);
    const folded = reshapeAxes(t, [fixedAxis(batch), heads, fixedAxis(tokens)], [product, tokens]);
    expect(sizes(folded)).toEqual(['4*batch', 'tokens']);
    const back = reshapeAxes(t, folded, [batch, 4, tokens]);
    expect(slotsOf(back[1])).toEqual(slotsOf(heads));
  });

  it('flattens symbolic axes beside channels without touching the channels', () => {
    const t = table();
    const channels = axisOfSlots(t.row(8));
    const [height, width] = [symbol('height'), symbol('width')];
    const out = reshapeAxes(
      t,
      [fixedAxis(batch), channels, fixedAxis(height), fixedAxis(width)],
      [batch, 8, multiplyDims(height, width)],
    );
    expect(out[1]).toBe(channels);
  });

  it('refines where a new dimension ends inside an old one', () => {
    const t = table();
    const row = t.row(12);
    const out = reshapeAxes(t, [axisOfSlots(row)], [2, 3, 2] as Dim[]);
    expect(sizes(out)).toEqual(['2', '3', '2']);
    expect(t.atomsOf(row[7])).toEqual([slotsOf(out[0])[1], slotsOf(out[1])[0], slotsOf(out[2])[1]]);
  });

  it('adds and drops dimensions of size 1', () => {
    const t = table();
    const channels = axisOfSlots(t.row(3));
    expect(reshapeAxes(t, [channels], [1, 3, 1])[1]).toBe(channels);
    expect(reshapeAxes(t, [fixedAxis(1), channels, fixedAxis(1)], [3])[0]).toBe(channels);
  });

  it('pins what it cannot follow', () => {
    const t = table();
    const [a, b] = [axisOfSlots(t.row(4)), axisOfSlots(t.row(6))];
    reshapeAxes(t, [a, b], [3, 8]);
    for (const axis of [a, b]) expect(t.pinOf(slotsOf(axis)[0])).toMatch(/mixes/);
  });
});

describe('joinAxes', () => {
  it('pins slots that meet an axis without any', () => {
    const t = new SlotTable();
    const axis = axisOfSlots(t.row(2));
    joinAxes(t, axis, fixedAxis(2, "the model's input"));
    expect(t.pinOf(slotsOf(axis)[1])).toBe("the model's input");
  });

  it('ignores a broadcast axis', () => {
    const t = new SlotTable();
    const axis = axisOfSlots(t.row(2));
    joinAxes(t, axis, fixedAxis(1));
    expect(t.pinOf(slotsOf(axis)[0])).toBeUndefined();
  });
});

describe('concatAxes and pickFromAxis', () => {
  it('lays rows one after the other and picks parts back', () => {
    const t = new SlotTable();
    const [a, b] = [axisOfSlots(t.row(2)), axisOfSlots(t.row(3))];
    const joined = concatAxes(t, [a, b]);
    expect(slotsOf(joined)).toEqual([...slotsOf(a), ...slotsOf(b)]);
    expect(slotsOf(pickFromAxis(t, joined, [2, 3, 4]))).toEqual(slotsOf(b));
  });

  it('gives pinned slots to a part without any', () => {
    const t = new SlotTable();
    const joined = concatAxes(t, [axisOfSlots(t.row(2)), fixedAxis(2, 'given')]);
    expect(slotsOf(joined).map((slot) => t.pinOf(slot))).toEqual([undefined, undefined, 'given', 'given']);
  });
});

describe('axisOfConstant', () => {
  it('takes the slots of what it is joined to, through other constants as well', () => {
    const t = new SlotTable();
    const stream = axisOfSlots(t.row(3));
    const [a, b] = [axisOfConstant(t, 3), axisOfConstant(t, 3)];
    joinAxes(t, a, b);
    joinAxes(t, b, stream);
    expect(t.size).toBe(3);
    expect(slotsOf(a)).toEqual(slotsOf(stream));
    expect(slotsOf(b)).toEqual(slotsOf(stream));
  });

  it('has slots of its own once they are asked for, and joins like any other from then on', () => {
    const t = new SlotTable();
    const stream = axisOfSlots(t.row(2));
    const a = axisOfConstant(t, 2);
    expect(slotsOf(a)).toEqual([2, 3]);
    joinAxes(t, a, stream);
    expect(slotsOf(a).map((slot) => t.find(slot))).toEqual([0, 1]);
  });

  it('is no axis to cut when there is one index', () => {
    expect(hasSlots(axisOfConstant(new SlotTable(), 1))).toBe(false);
  });
});
