import { describe, expect, it } from 'vitest';
import { constantOf, couple, float32, int, int64, ints, parameterNamed, symbol } from '../../src/index.js';
import { groupTexts, TinyGraph } from '../tiny-graphs.js';

describe('groups', () => {
  it('are named after their first producer and axis, in the order of the graph', () => {
    const t = new TinyGraph();
    const { groups } = couple(t.end(t.conv('z', t.conv('b', t.conv('a', t.image(2), 2, 3), 3, 4), 4, 2), 2));
    expect(groups.map(({ id, kind, size }) => [id, kind, size])).toEqual([
      ['a.w:0', 'channel', 3],
      ['b.w:0', 'channel', 4],
    ]);
  });

  it('show the checkpoint’s name and axes where the graph stores a weight transposed', () => {
    const t = new TinyGraph();
    const stored = constantOf(float32([2, 3], [1, 2, 3, 4, 5, 6]), {
      name: 'proj.weight',
      shape: [3, 2],
      axes: [1, 0],
    });
    const x = t.b.op('MatMul', [t.tokens(2), t.b.constant('onnx::MatMul_7', stored)]);
    const { groups } = couple(t.end(t.linear('z', x, 3, 2), 2, 'tokens'));
    expect(groups[0].id).toBe('proj.weight:0');
    expect(groups[0].slices[0]).toMatchObject({
      tensor: 'proj.weight',
      value: 'onnx::MatMul_7',
      axis: 0,
      valueAxis: 1,
    });
  });

  it('number a second group of one producer', () => {
    const t = new TinyGraph();
    const both = t.conv('a', t.image(2), 2, 5);
    const [left, right] = t.b.multi('Split', [both, t.b.ints([2, 3])], { axis: int(1) }, { outputs: 2 });
    const sum = t.b.op('Add', [t.conv('l', left, 2, 2), t.conv('r', right, 3, 2)]);
    const { groups } = couple(t.end(sum, 2));
    expect(groups.map(({ id, size }) => `${id} ${size}`)).toEqual(['a.w:0 2', 'a.w:0#2 3']);
    expect([...groups[1].slices[0].indices]).toEqual([2, 3, 4]);
  });

  it('keep heads and inner dimensions apart where there are as many of one as of the other', () => {
    const t = new TinyGraph();
    const fused = t.b.op('Reshape', [t.linear('qkv', t.tokens(4), 4, 12), t.b.ints([0, 0, 3, 2, 2])]);
    const apart = t.b.op('Transpose', [fused], { perm: ints([2, 0, 3, 1, 4]) });
    const [q, k, v] = [0, 1, 2].map((i) => t.b.op('Gather', [apart, t.b.tensor(int64([i], []))], { axis: int(0) }));
    const products = t.b.op('MatMul', [q, t.b.op('Transpose', [k], { perm: ints([0, 1, 3, 2]) })]);
    const mixed = t.b.op('Transpose', [t.b.op('MatMul', [products, v])], { perm: ints([0, 2, 1, 3]) });
    const merged = t.b.op('Reshape', [mixed, t.b.ints([0, 0, 4])]);
    expect(groupTexts(couple(t.end(t.linear('o', merged, 4, 4), 4, 'tokens')))).toEqual([
      'qkv.w:1:head head 2: qkv.w:1×6 o.w:0×2',
      'qkv.w:1:head-dim head-dim 2: qkv.w:1×6 o.w:0×2',
    ]);
  });

  it('take constants that are no parameters along', () => {
    const t = new TinyGraph();
    const offset = t.b.constant('offset', constantOf(float32([3, 1, 1], [1, 2, 3])));
    const x = t.b.op('Add', [t.conv('a', t.image(2), 2, 3), offset]);
    const { groups } = couple(t.end(t.conv('z', x, 3, 2), 2));
    expect(groups[0].slices.map(({ tensor, axis }) => `${tensor}:${axis}`)).toEqual([
      'a.w:0',
      'a.b:0',
      'offset:0',
      'z.w:1',
    ]);
  });
});

describe('norms', () => {
  it('say which unit every channel is, and which channels stay', () => {
    const t = new TinyGraph();
    const x = t.image(2);
    const joined = t.b.op('Concat', [t.conv('a', x, 2, 2), x], { axis: int(1) });
    const normed = t.b.scope('norm', () =>
      t.b.op('GroupNormalization', [joined, t.weight('n.w', 4), t.weight('n.b', 4)], { num_groups: int(2) }),
    );
    const { norms } = couple(t.end(t.conv('z', normed, 4, 2), 2));
    expect(norms).toEqual([
      { norm: 'norm', groups: 2, channels: [{ group: 'a.w:0', unit: 0 }, { group: 'a.w:0', unit: 1 }, null, null] },
    ]);
  });
});

describe('coverage', () => {
  it('adds up: every parameter lies in a unit or is listed with a reason', () => {
    const t = new TinyGraph();
    const { parameters, covered, notPruned } = couple(t.end(t.conv('z', t.conv('a', t.image(2), 2, 3), 3, 2), 2));
    // a.w 6, a.b 3, z.w 6 are in units; z.b 2 is the model's output.
    expect([parameters, covered]).toEqual([17, 15]);
    expect(notPruned).toEqual([{ tensor: 'z.b', axis: 0, reason: `tied to the model's output "out"`, parameters: 2 }]);
  });

  it('counts what lies on two axes once: a weight is uncovered where both of its indices are', () => {
    const t = new TinyGraph();
    const x = t.image(2);
    const joined = t.b.op('Concat', [t.conv('a', x, 2, 2), x], { axis: int(1) });
    const { notPruned, parameters, covered } = couple(t.end(t.conv('z', joined, 4, 3), 3));
    // z.w [3, 4]: half of its inputs are units; its outputs are the model's.
    expect(
      notPruned.filter(({ tensor }) => tensor === 'z.w').map(({ axis, parameters: count }) => [axis, count]),
    ).toEqual([
      [0, 6],
      [1, 6],
    ]);
    expect(parameters - covered).toBe(6 + 3);
  });

  it('leaves buffers out of the count, but says why a parameter is out of reach', () => {
    const t = new TinyGraph();
    const table = t.b.constant(
      'table',
      constantOf(float32([1, 2, 1, 1], [1, 2]), parameterNamed('table', [1, 2, 1, 1], true)),
    );
    const bare = t.b.constant('gain', constantOf(float32([1], [2]), parameterNamed('gain', [1])));
    const x = t.b.op('Mul', [t.b.op('Add', [t.image(2), table]), bare]);
    const { parameters, notPruned } = couple(t.end(t.conv('z', t.conv('a', x, 2, 3), 3, 2), 2));
    expect(parameters).toBe(17 + 1);
    expect(notPruned.map(({ tensor, axis, reason }) => `${tensor} ${axis} ${reason}`)).toEqual([
      'gain null no operator reads it along an axis that could be cut',
      `z.b 0 tied to the model's output "out"`,
    ]);
  });

  it('refuses what no parameter produces', () => {
    const t = new TinyGraph();
    const time = t.b.input('time', 'float32', [symbol('batch'), 1]);
    const waves = t.b.op('Sin', [
      t.b.op('Mul', [time, t.b.constant('freqs', constantOf(float32([1, 4], [1, 2, 3, 4])))]),
    ]);
    const hidden = t.b.op('Gemm', [waves, t.weight('lin', 1, 4)], { transB: int(1) });
    t.b.output(
      t.b.op('Gemm', [hidden, t.weight('out', 2, 1)], { transB: int(1) }),
      'float32',
      [symbol('batch'), 2],
      'y',
    );
    const { groups, notPruned } = couple(t.b.build());
    expect(groups).toEqual([]);
    expect(notPruned.map(({ tensor, axis, reason }) => `${tensor}:${axis} ${reason}`)).toContain(
      'lin:1 no parameter produces it (an embedding of fixed frequencies or positions)',
    );
  });

  it('refuses a unit without a like: nothing would be left of its group', () => {
    const t = new TinyGraph();
    const twice = t.b.op('Gather', [t.conv('a', t.image(2), 2, 3), t.b.ints([0, 0, 1, 2])], { axis: int(1) });
    const { groups, notPruned } = couple(t.end(t.conv('z', twice, 4, 2), 2));
    expect(groups.map(({ size, slices }) => `${size} ${slices[0].indices}`)).toEqual(['2 1,2']);
    expect(notPruned.map(({ tensor, axis, reason }) => `${tensor}:${axis} ${reason}`)).toContain(
      'a.w:0 the only channel of its kind',
    );
  });
});
