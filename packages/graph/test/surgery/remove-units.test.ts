import { describe, expect, it } from 'vitest';
import {
  type Coupling,
  couple,
  defaultOps,
  defineOp,
  type Graph,
  getInt,
  int,
  ints,
  type Removal,
  removeUnits,
  SecateurError,
  symbol,
  toNumbers,
  withOps,
} from '../../src/index.js';
import { runOn, TinyGraph } from '../tiny-graphs.js';

/** Two convolutions over an image: one group, `a.w:0`, of three channels. */
function twoConvs(): Graph {
  const t = new TinyGraph();
  return t.end(t.conv('z', t.conv('a', t.image(2), 2, 3), 3, 2), 2);
}

function failure(coupling: Coupling, removal: Removal): SecateurError {
  try {
    removeUnits(coupling, removal);
  } catch (error) {
    expect(error).toBeInstanceOf(SecateurError);
    return error as SecateurError;
  }
  throw new Error('nothing was thrown');
}

const valuesOf = (graph: Graph, name: string) => [...(graph.constants.get(name)!.value!.data as Float32Array)];
const nodeOf = (graph: Graph, op: string) => graph.nodes.find((node) => node.op === op)!;
const integersOf = (graph: Graph, name: string) => toNumbers(graph.constants.get(name)!.value!);

describe('removeUnits', () => {
  it('refuses a group that is not there, by name', () => {
    expect(failure(couple(twoConvs()), new Map([['no.such:0', [0]]]))).toMatchObject({
      code: 'BAD_OPTION',
      field: 'no.such:0',
    });
  });

  it.each([3, -1, 0.5])('refuses unit %s of three', (unit) => {
    const error = failure(couple(twoConvs()), new Map([['a.w:0', [unit]]]));
    expect(error.code).toBe('BAD_OPTION');
    expect(error.message).toContain(`Unit ${unit}`);
    expect(error.message).toContain('0…2');
  });

  it('refuses to empty a group, and says what to do', () => {
    const error = failure(couple(twoConvs()), new Map([['a.w:0', [0, 1, 2]]]));
    expect(error).toMatchObject({ code: 'CANNOT_PRUNE', field: 'a.w:0' });
    expect(error.hint).toMatch(/at least one/);
  });

  it('takes a unit named twice once', () => {
    const { graph } = removeUnits(couple(twoConvs()), new Map([['a.w:0', [1, 1, 1]]]));
    expect(graph.constants.get('a.w')!.shape).toEqual([2, 2, 1, 1]);
  });

  it('slices weights by hand-checked indices, and tells which stay', () => {
    const whole = twoConvs();
    const { graph, kept } = removeUnits(couple(whole), new Map([['a.w:0', [1]]]));
    const [a, z] = [valuesOf(whole, 'a.w'), valuesOf(whole, 'z.w')];
    expect(valuesOf(graph, 'a.w')).toEqual([a[0], a[1], a[4], a[5]]);
    expect(valuesOf(graph, 'z.w')).toEqual([z[0], z[2], z[3], z[5]]);
    expect(kept).toEqual(
      new Map([
        ['a.w', new Map([[0, [0, 2]]])],
        ['a.b', new Map([[0, [0, 2]]])],
        ['z.w', new Map([[1, [0, 2]]])],
      ]),
    );
  });

  it('changes nothing of the graph given, and shares what loses nothing', () => {
    const whole = twoConvs();
    const before = structuredClone([...whole.constants].map(([name, { shape, value }]) => [name, shape, value]));
    const nodes = [...whole.nodes];
    const { graph } = removeUnits(couple(whole), new Map([['a.w:0', [0]]]));
    expect([...whole.constants].map(([name, { shape, value }]) => [name, shape, value])).toEqual(before);
    expect(whole.nodes).toEqual(nodes);
    expect(graph.constants.get('z.b')).toBe(whole.constants.get('z.b'));
    expect(graph.constants.get('a.w')).not.toBe(whole.constants.get('a.w'));
  });

  it('returns the same constants and nodes for an empty removal', () => {
    const whole = twoConvs();
    const { graph, kept } = removeUnits(couple(whole), new Map([['a.w:0', []]]));
    expect(kept.size).toBe(0);
    for (const [name, constant] of graph.constants) expect(constant).toBe(whole.constants.get(name));
    expect(graph.nodes).toEqual(whole.nodes);
  });

  it('rewrites the sizes of a Split', () => {
    const t = new TinyGraph();
    const both = t.linear('in', t.tokens(2), 2, 6);
    const [a, b] = t.b.multi('Split', [both, t.b.ints([3, 3])], { axis: int(-1) }, { outputs: 2 });
    const coupling = couple(t.end(t.linear('out', t.b.op('Mul', [a, b]), 3, 2), 2, 'tokens'));
    const { graph } = removeUnits(coupling, new Map([['in.w:1', [1]]]));
    expect(integersOf(graph, nodeOf(graph, 'Split').inputs[1])).toEqual([2, 2]);
  });

  it('rewrites the bounds of a Slice to what is left before and between them', () => {
    const t = new TinyGraph();
    const both = t.linear('in', t.tokens(2), 2, 6);
    const part = (from: number, to: number) => t.b.op('Slice', [both, t.b.ints([from]), t.b.ints([to]), t.b.ints([2])]);
    const gated = t.b.op('Mul', [part(0, 3), part(3, 6)]);
    const { graph } = removeUnits(couple(t.end(t.linear('out', gated, 3, 2), 2, 'tokens')), new Map([['in.w:1', [0]]]));
    const bounds = graph.nodes
      .filter(({ op }) => op === 'Slice')
      .map(({ inputs }) => inputs.slice(1, 3).map((name) => integersOf(graph, name)[0]));
    expect(bounds).toEqual([
      [0, 2],
      [2, 4],
    ]);
    expect(runOn(graph, [1, 3, 2])).toHaveLength(6);
  });

  it('rewrites head counts in shape constants, and leaves batch and tokens to run time', () => {
    const t = new TinyGraph();
    const split = (name: string) =>
      t.b.op('Reshape', [t.linear(name, 'x', 4, 6), t.b.ints([0, -1, 3, 2])], {}, { name: `${name}.split` });
    const x = t.tokens(4);
    const mixed = t.b.op('Mul', [split('q'), split('k')]);
    const merged = t.b.op('Reshape', [mixed, t.b.ints([0, -1, 6])], {}, { name: 'merge' });
    const graph = t.end(t.linear('o', merged, 6, 4), 4, 'tokens');
    expect(x).toBe('x');
    const cut = removeUnits(couple(graph), new Map([['q.w:1:head', [0]]])).graph;
    const shapeOf = (name: string) => integersOf(cut, cut.nodes.find(({ outputs }) => outputs[0] === name)!.inputs[1]);
    expect([shapeOf('q.split'), shapeOf('k.split'), shapeOf('merge')]).toEqual([
      [0, -1, 2, 2],
      [0, -1, 2, 2],
      [0, -1, 4],
    ]);
    expect(runOn(cut, [1, 3, 4])).toHaveLength(12);
    expect(runOn(cut, [2, 5, 4])).toHaveLength(40);
  });

  it('follows a shape that the graph computes from its input at run time', () => {
    const t = new TinyGraph();
    const x = t.conv('a', t.image(2), 2, 4);
    const flat = t.b.op('Reshape', [x, t.b.ints([0, 0, -1])]);
    const back = t.b.op('Reshape', [t.b.op('Tanh', [flat]), t.b.op('Shape', [x])]);
    const { graph } = removeUnits(couple(t.end(t.conv('z', back, 4, 2), 2)), new Map([['a.w:0', [0, 3]]]));
    expect(runOn(graph, [2, 2, 3, 3])).toHaveLength(36);
  });

  it('refuses a width written into a shape of several run-time sizes, naming the node', () => {
    const t = new TinyGraph();
    const x = t.conv('a', t.image(2), 2, 4);
    const part = (from: number, to: number) =>
      t.b.op('Slice', [t.b.op('Shape', [x]), t.b.ints([from]), t.b.ints([to]), t.b.ints([0])]);
    const shape = t.b.op('Concat', [part(0, 1), t.b.ints([4]), part(2, 4)], { axis: int(0) });
    const flat = t.b.op('Reshape', [x, t.b.ints([0, 0, -1])]);
    const back = t.b.op('Reshape', [flat, shape], {}, { name: 'back' });
    const error = failure(couple(t.end(t.conv('z', back, 4, 2), 2)), new Map([['a.w:0', [1]]]));
    expect(error).toMatchObject({ code: 'CANNOT_PRUNE', field: 'back' });
    expect(error.message).toContain('would have 4 entries, 3 survive');
    expect(error.hint).toMatch(/static shapes/);
  });

  it('names an operator whose record forgot to rewrite a width', () => {
    const keep = defineOp({
      op: 'KeepWidth',
      domain: 'test',
      infer: ({ node, input }) => [
        { ...input(0), shape: input(0).shape.map((dim, i) => (i === 1 ? getInt(node, 'width', 0) : dim)) },
      ],
      slots: (context) => context.set(0, context.axes(0)),
      gradient: 'none',
      evaluate: ({ input }) => [input(0)],
    });
    const t = new TinyGraph();
    const held = t.b.op(
      'KeepWidth',
      [t.conv('a', t.image(2), 2, 3)],
      { width: int(3) },
      { domain: 'test', name: 'held' },
    );
    const coupling = couple(t.end(t.conv('z', held, 3, 2), 2), { ops: withOps(defaultOps, [keep]) });
    expect(failure(coupling, new Map([['a.w:0', [0]]]))).toMatchObject({ code: 'CANNOT_PRUNE', field: 'held' });
  });

  it('leaves out what nothing reads any more, and gives new constants fresh names', () => {
    const t = new TinyGraph();
    const both = t.linear('in', t.tokens(2), 2, 6);
    const sizes = t.b.ints([3, 3]);
    const [a, b] = t.b.multi('Split', [both, sizes], { axis: int(-1) }, { outputs: 2, name: 'halves' });
    t.weight('halves/1', 1);
    const coupling = couple(t.end(t.linear('out', t.b.op('Mul', [a, b]), 3, 2), 2, 'tokens'));
    const { graph } = removeUnits(coupling, new Map([['in.w:1', [1]]]));
    expect(graph.constants.has(sizes)).toBe(false);
    expect(nodeOf(graph, 'Split').inputs[1]).toBe('halves/1_1');
  });

  it('cuts a cut', () => {
    const first = removeUnits(couple(twoConvs()), new Map([['a.w:0', [0]]])).graph;
    const second = removeUnits(couple(first), new Map([['a.w:0', [0]]])).graph;
    const direct = removeUnits(couple(twoConvs()), new Map([['a.w:0', [0, 1]]])).graph;
    expect(runOn(second, [1, 2, 2, 2])).toEqual(runOn(direct, [1, 2, 2, 2]));
  });

  it('lowers the group count of a depthwise convolution', () => {
    const t = new TinyGraph();
    const deep = t.b.op('Conv', [t.conv('a', t.image(2), 2, 4), t.weight('d', 4, 1, 1, 1)], {
      kernel_shape: ints([1, 1]),
      group: int(4),
    });
    const { graph } = removeUnits(couple(t.end(t.conv('z', deep, 4, 2), 2)), new Map([['a.w:0', [2]]]));
    expect(graph.nodes.map((node) => getInt(node, 'group', 1))).toEqual([1, 3, 1, 1]);
  });

  it('keeps symbolic sizes symbolic', () => {
    const { graph } = removeUnits(couple(twoConvs()), new Map([['a.w:0', [1]]]));
    expect(graph.inputs[0].shape).toEqual([symbol('batch'), 2, symbol('height'), symbol('width')]);
  });
});
