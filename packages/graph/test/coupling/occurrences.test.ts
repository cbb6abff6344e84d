import { describe, expect, it } from 'vitest';
import type { ConstantAxis, SlotFlow } from '../../src/coupling/flow.js';
import { bucketsOf, occurrencesOf } from '../../src/coupling/occurrences.js';
import { SlotTable } from '../../src/coupling/slot-table.js';

/** Four rows of a projection in two heads of two, and a bias of one number a row. */
function flow() {
  const table = new SlotTable();
  const [heads, dims, rows, other] = [2, 2, 4, 3].map((size) => table.row(size));
  for (const [i, slot] of rows.entries()) table.expand(slot, [heads[i >> 1], dims[i % 2]]);
  const at = (value: string, slots: Int32Array): ConstantAxis => ({ value, axis: 0, role: 'producer', slots });
  const constantAxes = [at('w', rows), at('b', rows), at('v', other)];
  return { flow: { constantAxes, table } as unknown as SlotFlow, heads, dims, rows, other };
}

describe('occurrencesOf', () => {
  it('lists for every atom the axes and indices it lies on, in the order in which they are met', () => {
    const { flow: given, heads, dims, other } = flow();
    const { count, slots, starts, axes, indices } = occurrencesOf(given);
    const listed = Array.from({ length: count }, (_, atom) => {
      const range = Array.from({ length: starts[atom + 1] - starts[atom] }, (__, k) => starts[atom] + k);
      return [slots[atom], range.map((i) => `${'wbv'[axes[i]]}${indices[i]}`).join(' ')];
    });
    expect(listed).toEqual([
      [heads[0], 'w0 w1 b0 b1'],
      [dims[0], 'w0 w2 b0 b2'],
      [dims[1], 'w1 w3 b1 b3'],
      [heads[1], 'w2 w3 b2 b3'],
      ...Array.from(other, (slot, i) => [slot, `v${i}`]),
    ]);
  });

  it('tells conjunctions from single atoms', () => {
    const { flow: given, rows, heads, other } = flow();
    const { isProduct, products, productOf, atomOf } = occurrencesOf(given);
    expect([...isProduct]).toEqual([1, 1, 0]);
    const p = productOf(rows[3]);
    expect([...products.subarray(p, p + 3)]).toEqual([2, 3, 2]);
    expect([productOf(other[1]), atomOf(other[1]), atomOf(rows[3]), atomOf(heads[1])]).toEqual([0, 5, -1, 3]);
  });
});

describe('bucketsOf', () => {
  it('puts atoms of one key together that lie on the same axes as often', () => {
    const occurrences = occurrencesOf(flow().flow);
    expect(bucketsOf(occurrences, new Int32Array(7))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6],
    ]);
    expect(bucketsOf(occurrences, Int32Array.of(1, 2, 2, 1, 0, 0, 3))).toEqual([[0, 3], [1, 2], [4, 5], [6]]);
  });
});
