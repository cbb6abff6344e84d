import { describe, expect, it } from 'vitest';
import { traceSlots } from '../../src/coupling/flow.js';
import {
  constantOf,
  couple,
  defaultOps,
  defineOp,
  float32,
  type Graph,
  int,
  int64,
  ints,
  type OpRecord,
  removeUnits,
  SecateurError,
  string,
  symbol,
  withOps,
} from '../../src/index.js';
import { groupsOf, groupTexts, runOn, TinyGraph } from '../tiny-graphs.js';

describe('roles', () => {
  it('tells producers, consumers, biases, scales, tables and factors apart', () => {
    const t = new TinyGraph();
    const x = t.conv('a', t.image(2), 2, 4);
    const normed = t.b.op('GroupNormalization', [x, t.weight('n.w', 4), t.weight('n.b', 4)], { num_groups: int(2) });
    const scaled = t.b.op('Max', [normed, t.weight('s', 1, 4, 1, 1)]);
    const { constantAxes } = traceSlots(t.end(t.conv('z', scaled, 4, 2), 2));
    const roles = constantAxes.map(({ value, axis, role }) => `${value}:${axis} ${role}`);
    expect(roles).toEqual([
      'a.w:0 producer',
      'a.w:1 consumer',
      'a.b:0 bias',
      'n.w:0 scale',
      'n.b:0 norm-bias',
      's:1 factor',
      'z.w:0 producer',
      'z.w:1 consumer',
      'z.b:0 bias',
    ]);
  });

  it('sees through the transposition of a stored weight, and says what a consumer reads', () => {
    const t = new TinyGraph();
    const w = t.b.op('Transpose', [t.weight('w', 4, 3)], { perm: ints([1, 0]) });
    const x = t.tokens(3);
    const { constantAxes } = traceSlots(t.end(t.linear('z', t.b.op('MatMul', [x, w]), 4, 2), 2, 'tokens'));
    expect(constantAxes.find(({ value, role }) => value === 'w' && role === 'producer')?.axis).toBe(0);
    expect(constantAxes.find(({ value, role }) => value === 'w' && role === 'consumer')).toMatchObject({
      axis: 1,
      reads: { value: x, axis: 2 },
    });
  });
});

describe('a table cropped to a size known only at run time', () => {
  it('shrinks with the stream it is added to', () => {
    const t = new TinyGraph();
    const x = t.linear('a', t.tokens(3), 3, 4);
    const tokens = t.b.op('Shape', [x], { start: int(1), end: int(2) });
    const cropped = t.b.op('Slice', [t.weight('table', 9, 4), t.b.ints([0]), tokens, t.b.ints([0])]);
    expect(groupsOf(t.end(t.linear('z', t.b.op('Add', [x, cropped]), 4, 2), 2, 'tokens'))).toEqual([
      'a.w:1 channel 4: a.w:1 table:1 z.w:0',
    ]);
  });
});

describe('a record that is wrong about its slots', () => {
  const double: OpRecord = defineOp({
    op: 'Double',
    domain: 'test',
    infer: (context) => [context.input(0)],
    slots: () => {},
    gradient: 'none',
    evaluate: (context) => [context.input(0)],
  });
  const graph = (): Graph => {
    const t = new TinyGraph();
    const doubled = t.b.op('Double', [t.conv('a', t.image(2), 2, 4)], {}, { domain: 'test', name: 'doubled' });
    return t.end(t.conv('z', doubled, 4, 2), 2);
  };
  const failure = (record: OpRecord): SecateurError => {
    try {
      traceSlots(graph(), { ops: withOps(defaultOps, [record]) });
    } catch (error) {
      return error as SecateurError;
    }
    throw new Error('traceSlots accepted it');
  };

  it('is named when it forgets to set its output', () => {
    const error = failure(double);
    expect(error).toBeInstanceOf(SecateurError);
    expect(error).toMatchObject({ code: 'UNKNOWN_OP', field: 'doubled', plugin: 'Double' });
  });

  it('is named when it sets too few axes, or an axis of another size', () => {
    const few = failure({ ...double, slots: (context) => context.set(0, context.axes(0).slice(1)) });
    expect(few).toMatchObject({ code: 'SHAPE_MISMATCH', field: 'doubled' });
    expect(few.message).toMatch(/Double.* 3 axes; .* 4/);
    const other = failure({
      ...double,
      slots: (context) => {
        const [batch, channels, ...rest] = context.axes(0);
        context.set(0, [batch, context.pick(channels, [0, 1]), ...rest]);
      },
    });
    expect(other).toMatchObject({ code: 'SHAPE_MISMATCH', field: 'doubled' });
  });
});

describe('convolutions', () => {
  it('counts neither batch nor spatial axes as channels, also when sizes are numbers', () => {
    const t = new TinyGraph();
    const x = t.b.input('x', 'float32', [1, 2, 4, 4]);
    t.b.output(t.conv('z', t.conv('a', x, 2, 4), 4, 2), 'float32', [1, 2, 4, 4], 'out');
    expect(groupsOf(t.b.build())).toEqual(['a.w:0 channel 4: a.w:0 a.b:0 z.w:1']);
  });

  it('keeps whole conv groups, and inner channels of all conv groups, together', () => {
    const t = new TinyGraph();
    const x = t.conv('a', t.image(2), 2, 6);
    const grouped = t.b.op('Conv', [x, t.weight('g', 6, 3, 1, 1)], { kernel_shape: ints([1, 1]), group: int(2) });
    const coupling = couple(t.end(t.conv('z', grouped, 6, 2), 2));
    expect(groupTexts(coupling)).toEqual([
      'a.w:0:head head 2: a.w:0×3 a.b:0×3 g:0×3 z.w:1×3',
      'a.w:0:head-dim head-dim 3: a.w:0×2 a.b:0×2 g:1',
      'g:0:head-dim head-dim 3: g:0×2 z.w:1×2',
    ]);
    const removal = new Map([
      ['a.w:0:head', [1]],
      ['a.w:0:head-dim', [0]],
    ]);
    const { graph } = removeUnits(coupling, removal);
    expect(graph.constants.get('g')!.shape).toEqual([3, 2, 1, 1]);
    expect(runOn(graph, [1, 2, 2, 2])).toHaveLength(8);
  });

  it('leaves the weight of a grouped convolution over the model input whole', () => {
    const t = new TinyGraph();
    const grouped = t.b.op('Conv', [t.image(4), t.weight('g', 4, 2, 1, 1)], {
      kernel_shape: ints([1, 1]),
      group: int(2),
    });
    const { groups, notPruned } = couple(t.end(t.conv('z', grouped, 4, 2), 2));
    // Conv group 0 reads input channels 0 and 1, which stay: what may go is the same output channel of both conv groups.
    expect(groups.map(({ id, kind, slices }) => `${id} ${kind} ${slices[0].indices}`)).toEqual(['g:0 channel 0,2,1,3']);
    expect(notPruned.map(({ tensor }) => tensor)).toEqual(['z.b']);
  });
});

describe('concatenation', () => {
  it('with a model input leaves its share of the consumer alone', () => {
    const t = new TinyGraph();
    const x = t.image(2);
    const joined = t.b.op('Concat', [t.conv('a', x, 2, 3), x], { axis: int(1) });
    const { groups } = couple(t.end(t.conv('z', joined, 5, 2), 2));
    expect(groups).toHaveLength(1);
    expect([...groups[0].slices.find(({ tensor }) => tensor === 'z.w')!.indices]).toEqual([0, 1, 2]);
  });

  it('of a stream with itself takes two indices of the consumer with every unit', () => {
    const t = new TinyGraph();
    const a = t.conv('a', t.image(2), 2, 3);
    const { groups } = couple(t.end(t.conv('z', t.b.op('Concat', [a, a], { axis: int(1) }), 6, 2), 2));
    const slice = groups[0].slices.find(({ tensor }) => tensor === 'z.w')!;
    expect([slice.perUnit, [...slice.indices]]).toEqual([2, [0, 3, 1, 4, 2, 5]]);
  });
});

describe('shared tensors', () => {
  it('ties the streams that one weight reads', () => {
    const t = new TinyGraph();
    const x = t.image(2);
    const [a, c] = [t.conv('a', x, 2, 3), t.conv('c', x, 2, 3)];
    const sum = t.b.op('Add', [t.conv('shared', a, 3, 4), t.conv('shared', c, 3, 4)]);
    expect(groupsOf(t.end(t.conv('z', sum, 4, 2), 2))).toEqual([
      'a.w:0 channel 3: a.w:0 a.b:0 c.w:0 c.b:0 shared.w:1',
      'shared.w:0 channel 4: shared.w:0 shared.b:0 z.w:1',
    ]);
  });
});

describe('halves and chunks', () => {
  it.each(['Split', 'Slice'])('GEGLU by %s takes index i of both halves', (how) => {
    const t = new TinyGraph();
    const both = t.linear('in', t.tokens(2), 2, 6);
    const halves =
      how === 'Split'
        ? t.b.multi('Split', [both, t.b.ints([3, 3])], { axis: int(-1) }, { outputs: 2 })
        : [
            [0, 3],
            [3, 6],
          ].map(([from, to]) => t.b.op('Slice', [both, t.b.ints([from]), t.b.ints([to]), t.b.ints([2])]));
    const gated = t.b.op('Mul', [halves[0], t.b.op('Tanh', [halves[1]])]);
    const { groups } = couple(t.end(t.linear('out', gated, 3, 2), 2, 'tokens'));
    expect(groups.map(({ id, kind }) => `${id} ${kind}`)).toEqual(['in.w:1 neuron']);
    expect([...groups[0].slices[0].indices]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  /** Modulation `[batch, 6*4]` of a token stream `[batch, tokens, 4]`: shift and scale twice, as a DiT block does. */
  const modulated = (chunks: (t: TinyGraph, modulation: string) => string[]): Graph => {
    const t = new TinyGraph();
    const stream = t.linear('embed', t.tokens(2), 2, 4);
    const condition = t.b.input('condition', 'float32', [symbol('batch'), 3]);
    const [shift, scale, gate, shift2, scale2, gate2] = chunks(t, t.linear('ada', condition, 3, 24));
    const block = (x: string, name: string, parts: string[]) => {
      const normed = t.b.op('LayerNormalization', [x, t.weight(`${name}.n`, 4)], { axis: int(-1) });
      const mixed = t.b.op('Add', [t.b.op('Mul', [normed, parts[1]]), parts[0]]);
      return t.b.op('Add', [x, t.b.op('Mul', [t.linear(name, mixed, 4, 4), parts[2]])]);
    };
    const once = block(stream, 'one', [shift, scale, gate]);
    const twice = block(once, 'two', [shift2, scale2, gate2]);
    return t.end(t.linear('final', twice, 4, 2), 2, 'tokens');
  };

  it('AdaLN chunks by Split, broadcast over tokens, go with the stream they modulate', () => {
    const graph = modulated((t, m) =>
      t.b
        .multi('Split', [m, t.b.ints([4, 4, 4, 4, 4, 4])], { axis: int(1) }, { outputs: 6 })
        .map((part) => t.b.op('Unsqueeze', [part, t.b.ints([1])])),
    );
    const coupling = couple(graph);
    expect(groupTexts(coupling)).toEqual([
      'embed.w:1 channel 4: embed.w:1 ada.w:1×6 one.n:0 one.w:0 one.w:1 two.n:0 two.w:0 two.w:1 final.w:0',
    ]);
    const slice = coupling.groups[0].slices.find(({ tensor }) => tensor === 'ada.w')!;
    expect([...slice.indices.slice(0, 6)]).toEqual([0, 4, 8, 12, 16, 20]);
  });

  it('AdaLN chunks that nothing reads any more shrink like the others', () => {
    const t = new TinyGraph();
    const x = t.linear('embed', t.tokens(3), 3, 4);
    const chunks = t.linear('ada', t.tokens(2, 'c'), 2, 12);
    const [shift] = t.b.multi('Split', [chunks, t.b.ints([4, 4, 4])], { axis: int(2) }, { outputs: 3 });
    const coupling = couple(t.end(t.linear('final', t.b.op('Add', [x, shift]), 4, 2), 2, 'tokens'));
    expect(groupTexts(coupling)).toEqual(['embed.w:1 neuron 4: embed.w:1 ada.w:1×3 final.w:0']);
    expect([...coupling.groups[0].slices[1].indices.slice(0, 3)]).toEqual([0, 4, 8]);
  });

  it('AdaLN chunks by reshape to [6, d] are channels all the same', () => {
    const graph = modulated((t, m) => {
      const table = t.b.op('Reshape', [m, t.b.ints([0, 6, 4])]);
      return t.b.multi('Split', [table, t.b.ints([1, 1, 1, 1, 1, 1])], { axis: int(1) }, { outputs: 6 });
    });
    const coupling = couple(graph);
    expect(groupTexts(coupling)).toEqual([
      'embed.w:1 channel 4: embed.w:1 ada.w:1×6 one.n:0 one.w:0 one.w:1 two.n:0 two.w:0 two.w:1 final.w:0',
    ]);
    const cut = removeUnits(coupling, new Map([['embed.w:1', [0, 2]]]));
    expect(cut.graph.constants.get('ada.w')!.shape).toEqual([3, 12]);
  });
});

describe('attention', () => {
  const heads = 3;
  const dim = 2;
  const width = heads * dim;

  const attend = (t: TinyGraph, q: string, k: string, v: string): string => {
    const products = t.b.op('MatMul', [q, t.b.op('Transpose', [k], { perm: ints([0, 1, 3, 2]) })]);
    const mixed = t.b.op('MatMul', [t.b.op('Softmax', [products], { axis: int(-1) }), v]);
    return t.b.op('Reshape', [t.b.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }), t.b.ints([0, 0, width])]);
  };
  const split = (t: TinyGraph, x: string): string =>
    t.b.op('Transpose', [t.b.op('Reshape', [x, t.b.ints([0, 0, heads, dim])])], { perm: ints([0, 2, 1, 3]) });

  const expected = [
    'q.w:1:head head 3: q.w:1×2 k.w:1×2 v.w:1×2 o.w:0×2',
    'q.w:1:head-dim head-dim 2: q.w:1×3 k.w:1×3',
    'v.w:1:head-dim head-dim 2: v.w:1×3 o.w:0×3',
  ];

  it('has three kinds of unit: heads, the inner dimension of q and k, and that of v and out', () => {
    const t = new TinyGraph();
    const x = t.tokens(4);
    const [q, k, v] = ['q', 'k', 'v'].map((name) => split(t, t.linear(name, x, 4, width)));
    expect(groupsOf(t.end(t.linear('o', attend(t, q, k, v), width, 4), 4, 'tokens'))).toEqual(expected);
  });

  it.each([1, 'batch'])('finds the same with batch %s and heads folded into one axis', (batch) => {
    const t = new TinyGraph();
    const n = batch === 1 ? 1 : symbol('batch');
    const x = t.b.input('x', 'float32', [n, 5, 4]);
    const fold = (value: string) => t.b.op('Reshape', [split(t, value), t.b.ints([-1, 5, dim])]);
    const [q, k, v] = ['q', 'k', 'v'].map((name) => fold(t.linear(name, x, 4, width)));
    const products = t.b.op('MatMul', [q, t.b.op('Transpose', [k], { perm: ints([0, 2, 1]) })]);
    const mixed = t.b.op('MatMul', [t.b.op('Softmax', [products], { axis: int(-1) }), v]);
    const apart = t.b.op('Reshape', [mixed, t.b.ints([-1, heads, 5, dim])]);
    const merged = t.b.op('Reshape', [
      t.b.op('Transpose', [apart], { perm: ints([0, 2, 1, 3]) }),
      t.b.ints([0, 0, width]),
    ]);
    t.b.output(t.linear('o', merged, width, 4), 'float32', [n, 5, 4], 'out');
    const coupling = couple(t.b.build());
    expect(groupTexts(coupling)).toEqual(expected);
    const { graph } = removeUnits(
      coupling,
      new Map([
        ['q.w:1:head', [1]],
        ['v.w:1:head-dim', [0]],
      ]),
    );
    expect(runOn(graph, [1, 5, 4])).toHaveLength(20);
  });

  it('a fused projection to [3, heads, dim] has the same units, three or fewer at a time', () => {
    const t = new TinyGraph();
    const fused = t.b.op('Reshape', [t.linear('qkv', t.tokens(4), 4, 3 * width), t.b.ints([0, 0, 3, heads, dim])]);
    const apart = t.b.op('Transpose', [fused], { perm: ints([2, 0, 3, 1, 4]) });
    const [q, k, v] = [0, 1, 2].map((i) => t.b.op('Gather', [apart, t.b.tensor(int64([i], []))], { axis: int(0) }));
    const coupling = couple(t.end(t.linear('o', attend(t, q, k, v), width, 4), 4, 'tokens'));
    // One weight has one inner dimension for q, k and v alike, so all three shrink together.
    expect(groupTexts(coupling)).toEqual([
      'qkv.w:1:head head 3: qkv.w:1×6 o.w:0×2',
      'qkv.w:1:head-dim head-dim 2: qkv.w:1×9 o.w:0×3',
    ]);
    const { graph } = removeUnits(
      coupling,
      new Map([
        ['qkv.w:1:head', [0]],
        ['qkv.w:1:head-dim', [1]],
      ]),
    );
    expect(graph.constants.get('qkv.w')!.shape).toEqual([4, 6]);
    expect(runOn(graph, [1, 5, 4])).toHaveLength(20);
  });

  it('a fused projection split before the heads keeps q and k apart from v', () => {
    const t = new TinyGraph();
    const parts = t.b.multi(
      'Split',
      [t.linear('qkv', t.tokens(4), 4, 3 * width), t.b.ints([width, width, width])],
      { axis: int(2) },
      { outputs: 3 },
    );
    const [q, k, v] = parts.map((part) => split(t, part));
    expect(groupsOf(t.end(t.linear('o', attend(t, q, k, v), width, 4), 4, 'tokens'))).toEqual([
      'qkv.w:1:head head 3: qkv.w:1×6 o.w:0×2',
      'qkv.w:1:head-dim head-dim 2: qkv.w:1×6',
      'qkv.w:1:head-dim#2 head-dim 2: qkv.w:1×3 o.w:0×3',
    ]);
  });

  it('rotary embedding of pairs (2j, 2j+1) leaves whole pairs as inner dimensions', () => {
    const t = new TinyGraph();
    const x = t.tokens(4);
    const wide = 4;
    const rotate = (value: string): string => {
      const pairs = t.b.op('Reshape', [value, t.b.ints([0, 0, 0, wide / 2, 2])]);
      const [re, im] = t.b.multi('Split', [pairs, t.b.ints([1, 1])], { axis: int(-1) }, { outputs: 2 });
      const turned = t.b.op('Concat', [t.b.op('Neg', [im]), re], { axis: int(-1) });
      return t.b.op('Reshape', [turned, t.b.ints([0, 0, 0, wide])]);
    };
    const headed = (value: string) =>
      t.b.op('Transpose', [t.b.op('Reshape', [value, t.b.ints([0, 0, 2, wide])])], { perm: ints([0, 2, 1, 3]) });
    const [q, k, v] = ['q', 'k', 'v'].map((name) => headed(t.linear(name, x, 4, 2 * wide)));
    const products = t.b.op('MatMul', [rotate(q), t.b.op('Transpose', [rotate(k)], { perm: ints([0, 1, 3, 2]) })]);
    const mixed = t.b.op('MatMul', [t.b.op('Softmax', [products], { axis: int(-1) }), v]);
    const merged = t.b.op('Reshape', [
      t.b.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }),
      t.b.ints([0, 0, 2 * wide]),
    ]);
    const coupling = couple(t.end(t.linear('o', merged, 2 * wide, 4), 4, 'tokens'));
    expect(groupTexts(coupling)).toEqual([
      'q.w:1:head head 2: q.w:1×4 k.w:1×4 v.w:1×4 o.w:0×4',
      'q.w:1:head-dim head-dim 2: q.w:1×4 k.w:1×4',
      'v.w:1:head-dim head-dim 4: v.w:1×2 o.w:0×2',
    ]);
    const pair = coupling.groups[1].slices[0].indices.slice(0, 4);
    expect([...pair]).toEqual([0, 1, 4, 5]);
    const { graph } = removeUnits(coupling, new Map([['q.w:1:head-dim', [1]]]));
    expect(graph.constants.get('q.w')!.shape).toEqual([4, 4]);
    expect(runOn(graph, [1, 3, 4])).toHaveLength(12);
  });
});

describe('what cannot be cut', () => {
  it('pins a channel that is read by itself', () => {
    const t = new TinyGraph();
    const a = t.conv('a', t.image(2), 2, 3);
    const alone = t.b.op('Slice', [a, t.b.ints([1]), t.b.ints([2]), t.b.ints([1])]);
    const coupling = couple(t.end(t.conv('z', t.b.op('Mul', [a, alone]), 3, 2), 2));
    expect(coupling.groups.map(({ id, size }) => `${id} ${size}`)).toEqual(['a.w:0 2']);
    expect([...coupling.groups[0].slices[0].indices]).toEqual([0, 2]);
    expect(coupling.notPruned.map(({ reason }) => reason)).toContain('one index of it is read by itself');
  });

  it('pins what a softmax, an output or a constant of fixed size holds on to', () => {
    const t = new TinyGraph();
    const a = t.conv('a', t.image(2), 2, 3);
    const graph = t.end(t.b.op('Softmax', [a], { axis: int(1) }), 3);
    const { groups, notPruned } = couple(graph);
    expect(groups).toEqual([]);
    expect(notPruned.map(({ tensor, axis }) => `${tensor}:${axis}`)).toEqual(['a.w:0', 'a.w:1', 'a.b:0']);
  });

  it('pins what is added to a constant that follows from the configuration', () => {
    const axesWith = (shift: (t: TinyGraph) => string) => {
      const t = new TinyGraph();
      const a = t.conv('a', t.image(2), 2, 3);
      return groupsOf(t.end(t.conv('z', t.b.op('Add', [a, shift(t)]), 3, 2), 2));
    };
    const value = float32([3, 1, 1], [1, 2, 3]);
    expect(axesWith((t) => t.b.constant('shift', constantOf(value)))).toEqual([
      'a.w:0 channel 3: a.w:0 a.b:0 shift:0 z.w:1',
    ]);
    expect(axesWith((t) => t.b.fixed(value, 'shift'))).toEqual([]);
  });

  it('resizes no channels', () => {
    const t = new TinyGraph();
    const a = t.conv('a', t.image(2), 2, 3);
    const scales = t.b.constant('scales', constantOf(float32([4], [1, 1, 2, 2])));
    const large = t.b.op('Resize', [a, '', scales], { mode: string('nearest') });
    t.b.output(t.conv('z', large, 3, 2), 'float32', [symbol('batch'), 2, symbol('H'), symbol('W')], 'out');
    expect(groupsOf(t.b.build())).toEqual(['a.w:0 channel 3: a.w:0 a.b:0 z.w:1']);
  });
});
