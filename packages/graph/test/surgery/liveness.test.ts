import { describe, expect, it } from 'vitest';
import { couple, int, type Removal, symbol } from '../../src/index.js';
import { Liveness } from '../../src/surgery/liveness.js';
import { TinyGraph } from '../tiny-graphs.js';

describe('Liveness', () => {
  const headed = () => {
    const t = new TinyGraph();
    const x = t.tokens(4);
    const split = (name: string) =>
      t.b.op('Reshape', [t.linear(name, x, 4, 6), t.b.ints([0, 0, 3, 2])], {}, { name: `${name}.split` });
    const mixed = t.b.op('Mul', [split('q'), split('k')], {}, { name: 'mixed' });
    return couple(
      t.end(t.linear('o', t.b.op('Reshape', [mixed, t.b.ints([0, 0, 6])], {}, { name: 'merged' }), 6, 4), 4, 'tokens'),
    );
  };

  it('an index is alive while its head and its inner dimension both are', () => {
    const live = new Liveness(
      headed(),
      new Map([
        ['q.w:1:head', [1]],
        ['q.w:1:head-dim', [0]],
      ]),
    );
    expect(live.keptOfValue('q.w')).toEqual(new Map([[1, [1, 5]]]));
    expect(live.keptOfValue('q.split')).toEqual(
      new Map([
        [2, [0, 2]],
        [3, [1]],
      ]),
    );
    expect(live.keptOfValue('merged')).toEqual(new Map([[2, [1, 5]]]));
    expect(live.keptOfValue('o.w')).toEqual(new Map([[0, [1, 5]]]));
  });

  it('touches nothing else', () => {
    const live = new Liveness(headed(), new Map([['q.w:1:head', [1]]]));
    expect(['x', 'out', 'o.w', 'q.split'].map((value) => live.isTouched(value))).toEqual([false, false, true, true]);
    expect(live.keptOfValue(undefined).size).toBe(0);
    expect(live.keptOfValue('no such value').size).toBe(0);
  });

  it.each<[string, Removal]>([
    ['empty', new Map()],
    ['of no units', new Map([['q.w:1:head', []]])],
  ])('everything survives a removal %s', (_, removal) => {
    const coupling = headed();
    const live = new Liveness(coupling, removal);
    for (const value of coupling.flow.axes.keys()) expect(live.isTouched(value)).toBe(false);
  });

  it('lists indices of the parts of a concatenation', () => {
    const t = new TinyGraph();
    const x = t.image(2);
    const joined = t.b.op('Concat', [t.conv('a', x, 2, 2), t.conv('c', x, 2, 3)], { axis: int(1) }, { name: 'joined' });
    const live = new Liveness(
      couple(t.end(t.conv('z', joined, 5, 2), 2)),
      new Map([
        ['a.w:0', [0]],
        ['c.w:0', [1]],
      ]),
    );
    expect(live.keptOfValue('joined')).toEqual(new Map([[1, [1, 2, 4]]]));
  });

  it('lists no indices of an axis of symbolic size', () => {
    const t = new TinyGraph();
    const n = symbol('batch');
    const x = t.b.input('x', 'float32', [n, 5, 4]);
    const apart = t.b.op('Transpose', [t.b.op('Reshape', [t.linear('q', x, 4, 6), t.b.ints([0, 5, 3, 2])])], {
      perm: { type: 'ints', value: [0, 2, 1, 3] },
    });
    const folded = t.b.op('Reshape', [apart, t.b.ints([-1, 5, 2])], {}, { name: 'folded' });
    t.b.output(t.linear('o', folded, 2, 4), 'float32', [symbol('folded'), 5, 4], 'out');
    const coupling = couple(t.b.build());
    const ids = coupling.groups.map(({ id }) => id);
    expect(ids).toEqual(['q.w:1']);
    const live = new Liveness(coupling, new Map([['q.w:1', [0]]]));
    expect(live.keptOfValue('folded')).toEqual(new Map([[2, [1]]]));
  });
});
