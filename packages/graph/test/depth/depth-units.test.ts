import { describe, expect, it } from 'vitest';
import { type Coupling, couple, type Graph, int, ints, removeUnits, symbol, zeroUnits } from '../../src/index.js';
import { runOn, TinyGraph } from '../tiny-graphs.js';

const texts = ({ depth }: Coupling): string[] =>
  depth.map(
    ({ kind, id, parameters, layers }) =>
      `${kind} ${id} ${parameters}${layers.length > 1 ? ` of ${layers.join(', ')}` : ''}`,
  );

/** Two residual branches with a norm each in one module, as a transformer block has them. */
function transformer(): Graph {
  const t = new TinyGraph();
  let x = t.linear('first', t.tokens(2), 2, 2);
  t.b.scope('blocks.0', () => {
    for (const [name, norm] of [
      ['attn', 'norm1'],
      ['ff', 'norm2'],
    ]) {
      const normed = t.b.op('LayerNormalization', [x, t.weight(`blocks.0.${norm}.weight`, 2)]);
      const hidden = t.b.op('Tanh', [t.linear(`blocks.0.${name}.in`, normed, 2, 3)]);
      x = t.b.op('Add', [x, t.linear(`blocks.0.${name}.out`, hidden, 3, 2)]);
    }
  });
  x = t.b.scope('tail', () => t.b.op('Add', [t.linear('tail.proj', t.b.op('Tanh', [x]), 2, 2), x]));
  return t.end(t.linear('last', x, 2, 2), 2, 'tokens');
}

describe('depth units', () => {
  it('are residual branches by module, norms included, and the modules that are made of them', () => {
    expect(texts(couple(transformer()))).toEqual([
      'layer blocks.0.attn 14',
      'layer blocks.0.ff 14',
      'layer tail 4',
      'block blocks.0 28 of blocks.0.attn, blocks.0.ff',
    ]);
  });

  it('take whole tensors, with their roles', () => {
    const [attention] = couple(transformer()).depth;
    expect(attention.slices.map(({ tensor, axis, role, perUnit }) => `${tensor}:${axis} ${role} ${perUnit}`)).toEqual([
      'blocks.0.norm1.weight:0 scale 2',
      'blocks.0.attn.in.w:0 producer 2',
      'blocks.0.attn.out.w:0 producer 3',
    ]);
    expect([...attention.slices[2].indices]).toEqual([0, 1, 2]);
  });

  it('merge where two branches come from one module, as the two streams of a joint attention', () => {
    const t = new TinyGraph();
    const [x, y] = [t.linear('x0', t.tokens(2), 2, 2), t.linear('y0', t.tokens(2, 'y'), 2, 2)];
    const [a, b] = t.b.scope('block', () => {
      const mixed = t.b.op('Mul', [t.linear('block.attn.q', x, 2, 2), t.linear('block.attn.k', y, 2, 2)]);
      return [
        t.b.op('Add', [x, t.linear('block.attn.to_out', mixed, 2, 2)]),
        t.b.op('Add', [y, t.linear('block.attn.to_add_out', mixed, 2, 2)]),
      ];
    });
    const out = t.linear('last', t.b.op('Concat', [a!, b!], { axis: int(-1) }), 4, 2);
    expect(texts(couple(t.end(out, 2, 'tokens')))).toEqual(['layer block.attn 16']);
  });

  it('are not sums of two things made side by side, of an activation, or of what is broadcast', () => {
    const t = new TinyGraph();
    const x = t.conv('first', t.image(2), 2, 2);
    const both = t.b.op('Add', [t.conv('a', x, 2, 2), t.conv('b', x, 2, 2)]);
    const gelu = t.b.op('Add', [both, t.b.op('Mul', [both, t.b.op('Tanh', [both])])]);
    const pooled = t.b.op('GlobalAveragePool', [gelu]);
    const shifted = t.b.op('Add', [gelu, t.conv('shift', pooled, 2, 2)]);
    expect(couple(t.end(t.conv('last', shifted, 2, 2), 2)).depth).toEqual([]);
  });

  it('are not scores plus a bias that was made from the stream before', () => {
    const t = new TinyGraph();
    let x = t.linear('first', t.tokens(2), 2, 2);
    const bias = t.linear('bias', x, 2, 2);
    for (const name of ['a', 'b']) {
      const scores = t.b.op('Add', [t.linear(`${name}.q`, x, 2, 2), bias]);
      const weights = t.b.op('Softmax', [scores], { axis: int(-1) });
      x = t.b.op('Add', [x, t.linear(`${name}.out`, weights, 2, 2)]);
    }
    const { depth } = couple(t.end(t.linear('last', x, 2, 2), 2, 'tokens'));
    expect(depth.map(({ bypasses }) => bypasses.map(({ by }) => by === bias))).toEqual([[false], [false]]);
  });

  it('keep the name of a graph output that a branch made', () => {
    const t = new TinyGraph();
    const x = t.b.input('x', 'float32', [symbol('batch'), 2, 3, 3]);
    const sum = t.b.op('Add', [x, t.conv('branch', x, 2, 2)], {}, { name: 'out' });
    t.b.output(sum, 'float32', [symbol('batch'), 2, 3, 3], 'out');
    const coupling = couple(t.b.build());
    const { graph } = removeUnits(coupling, new Map([['branch', [0]]]));
    expect(graph.nodes.map(({ op, outputs }) => `${op} ${outputs}`)).toEqual(['Identity out']);
    expect(runOn(graph, [1, 2, 3, 3])).toEqual(runOn(zeroUnits(coupling, new Map([['branch', [0]]])), [1, 2, 3, 3]));
  });

  it('leave what another module lost its only reader with, and drop what a block shares', () => {
    const t = new TinyGraph();
    const x = t.conv('first', t.image(2), 2, 2);
    const time = t.conv('time', t.b.op('GlobalAveragePool', [x]), 2, 2);
    const out = t.b.scope('block', () => {
      const shared = t.conv('block.shared', time, 2, 2);
      const branch = (name: string, from: string) => t.conv(`block.${name}`, t.b.op('Mul', [from, shared]), 2, 2);
      const sum = t.b.op('Add', [x, branch('one', x)]);
      return t.b.op('Add', [sum, branch('two', sum)]);
    });
    const coupling = couple(t.end(t.conv('last', out, 2, 2), 2));
    expect(texts(coupling)).toEqual(['layer block.one 6', 'layer block.two 6']);
    const { graph } = removeUnits(
      coupling,
      new Map([
        ['block.one', [0]],
        ['block.two', [0]],
      ]),
    );
    // A network of that one block is no network without it, so no unit covers what the two share.
    expect([...graph.constants.keys()].filter((name) => /time|shared/.test(name)).sort()).toEqual([
      'block.shared.b',
      'block.shared.w',
      'time.b',
      'time.w',
    ]);
  });

  it('cannot be zeroed where something else takes their place', () => {
    const t = new TinyGraph();
    const x = t.conv('first', t.image(2), 2, 2);
    const joined = t.b.op('Concat', [t.b.op('Tanh', [x]), x], { axis: int(1) });
    const out = t.b.scope('up', () =>
      t.b.op('Add', [t.conv('up.shortcut', joined, 4, 2), t.conv('up.b', t.conv('up.a', joined, 4, 3), 3, 2)]),
    );
    const coupling = couple(t.end(t.conv('last', out, 2, 2), 2));
    expect(texts(coupling)).toEqual(['layer up 23', 'layer up:pass 33']);
    expect(() => zeroUnits(coupling, new Map([['up:pass', [0]]]))).toThrow(/can be removed, not zeroed/);
    const both = removeUnits(
      coupling,
      new Map([
        ['up', [0]],
        ['up:pass', [0]],
      ]),
    ).graph;
    expect([...both.constants.keys()].filter((name) => name.startsWith('up'))).toEqual([]);
    // What is passed on is not what the sum was: the two lose different channels.
    const channels = coupling.groups.find(({ id }) => id === 'up.shortcut.w:0')!;
    expect(() =>
      removeUnits(
        coupling,
        new Map([
          ['up:pass', [0]],
          [channels.id, [0]],
        ]),
      ),
    ).toThrow(/loses other channels/);
  });

  it('names an id or index that does not exist', () => {
    const coupling = couple(transformer());
    expect(() => removeUnits(coupling, new Map([['blocks.7', [0]]]))).toThrow(/no group, layer or block "blocks.7"/);
    expect(() => removeUnits(coupling, new Map([['tail', [1]]]))).toThrow(/one unit, of index 0/);
  });

  it('cut channels and layers in one go', () => {
    const t = new TinyGraph();
    const x = t.conv('first', t.image(2), 2, 4);
    const sum = t.b.scope('block', () =>
      t.b.op('Add', [x, t.conv('block.b', t.b.op('Relu', [t.conv('block.a', x, 4, 3)]), 3, 4)]),
    );
    const kernel = { kernel_shape: ints([1, 1]) };
    const out = t.b.op('Conv', [sum, t.weight('last.w', 2, 4, 1, 1)], kernel);
    const coupling = couple(t.end(out, 2));
    const removal = new Map([
      ['block', [0]],
      ['first.w:0', [1, 3]],
      ['block.a.w:0', [0]],
    ]);
    const { graph, kept } = removeUnits(coupling, removal);
    expect([...kept.keys()]).toEqual(['first.w', 'first.b', 'last.w']);
    const again = removeUnits(
      couple(removeUnits(coupling, new Map([['block', [0]]])).graph),
      new Map([['first.w:0', [1, 3]]]),
    );
    expect(runOn(graph, [1, 2, 2, 2])).toEqual(runOn(again.graph, [1, 2, 2, 2]));
  });
});
