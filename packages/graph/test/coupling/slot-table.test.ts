import { describe, expect, it } from 'vitest';
import { SlotTable } from '../../src/coupling/slot-table.js';

describe('SlotTable', () => {
  it('joins slots into classes whose root is the lowest number, whatever the order', () => {
    const table = new SlotTable();
    const [a, b, c] = table.row(3);
    table.join(c, b);
    table.join(b, a);
    expect([a, b, c].map((slot) => table.find(slot))).toEqual([a, a, a]);
  });

  it('takes a conjunction apart into atoms', () => {
    const table = new SlotTable();
    const [product, head, inner] = table.row(3);
    table.expand(product, [head, inner]);
    expect(table.atomsOf(product)).toEqual([head, inner]);
  });

  it('joins the parts of joined conjunctions', () => {
    const table = new SlotTable();
    const [p, h, d, q, g, e] = table.row(6);
    table.expand(p, [h, d]);
    table.expand(q, [g, e]);
    table.join(p, q);
    expect(table.find(h)).toBe(table.find(g));
    expect(table.find(d)).toBe(table.find(e));
    expect(table.find(h)).not.toBe(table.find(d));
  });

  it('pins both sides when conjunctions of different shape are joined', () => {
    const table = new SlotTable();
    const [p, h, d, q, x, y, z] = table.row(7);
    table.expand(p, [h, d]);
    table.expand(q, [x, y, z]);
    table.join(p, q);
    for (const atom of [h, d, x, y, z]) expect(table.pinOf(atom)).toMatch(/two different ways/);
  });

  it('passes a pin on to the parts, before and after they are known', () => {
    const table = new SlotTable();
    const [early, late, a, b] = table.row(4);
    table.pin(early, 'why');
    table.expand(early, [a, b]);
    expect([table.pinOf(a), table.pinOf(b)]).toEqual(['why', 'why']);
    const [c, d] = table.row(2);
    table.expand(late, [c, d]);
    table.pin(late, 'too');
    expect([table.pinOf(c), table.pinOf(d)]).toEqual(['too', 'too']);
  });

  it('keeps a pin when classes join', () => {
    const table = new SlotTable();
    const [a, b, c] = table.row(3);
    table.pin(c, 'why');
    table.join(a, b);
    table.join(b, c);
    expect(table.pinOf(a)).toBe('why');
  });

  it('grows past its first allocation', () => {
    const table = new SlotTable();
    const row = table.row(5000);
    table.join(row[4999], row[0]);
    expect(table.find(row[4999])).toBe(row[0]);
  });

  it('joins rows index by index, pins and parts included', () => {
    const table = new SlotTable();
    const [a, b, heads] = [table.row(3), table.row(3), table.row(2)];
    table.pin(a[0], 'why');
    table.expand(b[1], heads);
    table.joinRows(a, b);
    expect(table.pinOf(b[0])).toBe('why');
    expect(table.atomsOf(a[1])).toEqual([...heads]);
    expect(table.find(b[2])).toBe(table.find(a[2]));
  });

  it('resolves all slots at once to what each resolves to', () => {
    const table = new SlotTable();
    const [a, b, c] = [table.row(4), table.row(2), table.row(2)];
    table.joinRows(a.subarray(2), b);
    table.expand(a[0], [b[0], c[1]]);
    table.expand(a[1], [a[0], b[0], c[0]]);
    const { atoms, conjunctions } = table.resolve();
    const resolved = Array.from(atoms, (atom) =>
      atom >= 0 ? [atom] : [...conjunctions.subarray(1 - atom, 1 - atom + conjunctions[-atom])],
    );
    expect(resolved).toEqual(Array.from(atoms, (_, slot) => table.atomsOf(slot)));
    expect(resolved[a[1]]).toEqual([a[2], c[1], c[0]]);
  });
});
