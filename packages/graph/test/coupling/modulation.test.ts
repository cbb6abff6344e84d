import { describe, expect, it } from 'vitest';
import {
  type Coupling,
  couple,
  evaluateGraph,
  float32,
  type Graph,
  int,
  removeUnits,
  symbol,
  toNumbers,
  zeroUnits,
} from '../../src/index.js';
import { TinyGraph } from '../tiny-graphs.js';

/** Tokens of 2 channels, scaled and shifted by a linear of a condition `[batch, 3]`, then a branch beside it. */
function modulated(): Graph {
  const t = new TinyGraph();
  const { b } = t;
  const x = t.linear('first', t.tokens(2), 2, 2);
  const condition = b.input('c', 'float32', [symbol('batch'), 3]);
  const both = b.scope('norm.linear', () =>
    b.op('Gemm', [condition, t.weight('norm.linear.weight', 4, 3), t.weight('norm.linear.bias', 4)], {
      transB: int(1),
    }),
  );
  const [scale, shift] = b.multi(
    'Split',
    [b.op('Unsqueeze', [both, b.ints([1])]), b.ints([2, 2])],
    { axis: int(2) },
    { outputs: 2 },
  );
  const scaled = b.op('Mul', [x, b.op('Add', [scale!, b.scalar(1)])]);
  return t.end(t.linear('last', b.op('Tanh', [b.op('Add', [scaled, shift!])]), 2, 2), 2, 'tokens');
}

function run(graph: Graph): number[] {
  const feeds = { x: float32([1, 2, 2], [1, 2, -1, 0.5]), c: float32([1, 3], [0.3, -0.2, 0.9]) };
  return toNumbers(evaluateGraph(graph, feeds).out);
}

const id = 'norm.linear.weight:0:modulation';
const without = (coupling: Coupling, units: number[]) => removeUnits(coupling, new Map([[id, units]]));

describe('modulations', () => {
  const coupling = couple(modulated());

  it('are the outputs of a linear that is dealt to chunks and broadcast over tokens', () => {
    expect(coupling.modulations.map(({ id: name, kind, size }) => [name, kind, size])).toEqual([[id, 'modulation', 4]]);
    const slices = coupling.modulations[0].slices.map(({ tensor, axis, role }) => `${tensor}:${axis} ${role}`);
    expect(slices).toEqual(['norm.linear.weight:0 producer', 'norm.linear.bias:0 bias']);
  });

  it('are not the halves of a gated feed-forward, nor an embedding that is added whole', () => {
    const t = new TinyGraph();
    const x = t.b.input('x', 'float32', [symbol('batch'), 2]);
    const [a, b] = t.b.multi('Split', [t.linear('both', x, 2, 6), t.b.ints([3, 3])], { axis: int(1) }, { outputs: 2 });
    t.b.output(t.linear('out', t.b.op('Mul', [a!, b!]), 3, 2), 'float32', [symbol('batch'), 2], 'out');
    expect(couple(t.b.build()).modulations).toEqual([]);

    const added = new TinyGraph();
    const time = added.linear('time', added.b.input('t', 'float32', [symbol('batch'), 1, 3]), 3, 2);
    const sum = added.b.op('Add', [added.linear('first', added.tokens(2), 2, 2), time]);
    expect(couple(added.end(added.linear('last', sum, 2, 2), 2, 'tokens')).modulations).toEqual([]);
  });

  it.each([[[0]], [[1, 2]], [[0, 1, 3]]])('removed or zeroed, they compute exactly the same: %j', (units) => {
    const { graph, kept } = without(coupling, units);
    expect(graph.constants.get('norm.linear.weight')!.shape).toEqual([4 - units.length, 3]);
    expect(graph.constants.get('norm.linear.bias')!.shape).toEqual([4 - units.length]);
    expect(kept.get('norm.linear.weight')!.get(0)).toEqual([0, 1, 2, 3].filter((output) => !units.includes(output)));
    expect(run(graph)).toEqual(run(zeroUnits(coupling, new Map([[id, units]]))));
    expect(run(graph)).not.toEqual(run(modulated()));
  });

  it('can be removed one after the other', () => {
    const once = without(coupling, [2]).graph;
    const again = couple(once);
    expect(again.modulations.map(({ size }) => size)).toEqual([3]);
    // Output 3 is the third of those left.
    const twice = without(again, [2]).graph;
    expect(twice.nodes.filter(({ op }) => op === 'Gather')).toHaveLength(1);
    expect(run(twice)).toEqual(run(without(coupling, [2, 3]).graph));
  });

  it('go along with channels of what they modulate', () => {
    const removal = new Map([
      ['first.w:1', [0]],
      [id, [1, 2]],
    ]);
    expect(coupling.groups.map((group) => group.id)).toContain('first.w:1');
    const { graph } = removeUnits(coupling, removal);
    // Of scale and shift of channel 1, at 1 and 3, the first became a zero.
    expect(graph.constants.get('norm.linear.weight')!.shape).toEqual([1, 3]);
    const zeroed = couple(zeroUnits(coupling, new Map([[id, [1, 2]]])));
    expect(run(graph)).toEqual(run(removeUnits(zeroed, new Map([['first.w:1', [0]]])).graph));
  });

  it('are not all removed', () => {
    expect(() => without(coupling, [0, 1, 2, 3])).toThrow(expect.objectContaining({ code: 'CANNOT_PRUNE' }));
  });
});
