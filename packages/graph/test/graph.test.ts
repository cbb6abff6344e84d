import { describe, expect, it } from 'vitest';
import {
  constantOf,
  consumersOf,
  float,
  float32,
  GraphBuilder,
  getFloat,
  getInt,
  getInts,
  getString,
  int,
  ints,
  parameterNamed,
  producersOf,
  string,
  withoutDeadNodes,
} from '../src/index.js';

/** `x → Relu a → Add(a, a) s → out`, and a dead `Tanh d` over a dead constant. */
function small() {
  const b = new GraphBuilder('small');
  const x = b.input('x', 'float32', [2]);
  const a = b.op('Relu', [x], {}, { name: 'a' });
  b.op('Tanh', [b.constant('unused', constantOf(float32([1], [1])))], {}, { name: 'd' });
  b.output(b.op('Add', [a, a], {}, { name: 's' }), 'float32', [2]);
  return b.build();
}

describe('attributes', () => {
  const b = new GraphBuilder('attributes');
  b.op('Op', [], { axis: int(-1), epsilon: float(0.5), mode: string('nearest'), pads: ints([1, 2]) });
  const [node] = b.build().nodes;

  it('are read by type, with a fallback', () => {
    expect([getInt(node, 'axis', 0), getFloat(node, 'epsilon', 0), getString(node, 'mode', '')]).toEqual([
      -1,
      0.5,
      'nearest',
    ]);
    expect(getInts(node, 'pads')).toEqual([1, 2]);
    expect([
      getInt(node, 'none', 7),
      getFloat(node, 'none', 7),
      getString(node, 'none', 'x'),
      getInts(node, 'none'),
    ]).toEqual([7, 7, 'x', undefined]);
  });

  it('of another type are a fault of the file, by name', () => {
    expect(() => getInt(node, 'mode', 0)).toThrow(expect.objectContaining({ code: 'BAD_FILE', field: 'mode' }));
    expect(() => getInts(node, 'axis')).toThrow(/attribute axis must be ints, is int/);
  });
});

describe('producersOf and consumersOf', () => {
  it('map values to the nodes that make and read them, each node once', () => {
    const graph = small();
    expect(producersOf(graph).get('s')?.op).toBe('Add');
    expect(producersOf(graph).has('x')).toBe(false);
    expect(
      consumersOf(graph)
        .get('a')
        ?.map(({ op }) => op),
    ).toEqual(['Add']);
    expect(consumersOf(graph).get('s')).toBeUndefined();
  });

  it('know nothing of inputs and outputs left out', () => {
    const b = new GraphBuilder('optional');
    b.op('Resize', [b.input('x', 'float32', [1]), '', '']);
    expect([...consumersOf(b.build()).keys()]).toEqual(['x']);
  });
});

describe('withoutDeadNodes', () => {
  it('leaves out nodes and constants that no output needs, and nothing else', () => {
    const graph = small();
    const live = withoutDeadNodes(graph);
    expect(live.nodes.map(({ op }) => op)).toEqual(['Relu', 'Add']);
    expect(live.constants.size).toBe(0);
    expect(live.inputs).toBe(graph.inputs);
    expect(graph.nodes).toHaveLength(3);
  });

  it('keeps a node of which one output is needed', () => {
    const b = new GraphBuilder('split');
    const [, second] = b.multi('Split', [b.input('x', 'float32', [2])], {}, { outputs: 2 });
    b.output(second, 'float32', [1]);
    expect(withoutDeadNodes(b.build()).nodes).toHaveLength(1);
  });
});

describe('constants', () => {
  it('in memory read back what they hold', async () => {
    const value = float32([2], [1, 2]);
    const constant = constantOf(value, parameterNamed('w', [2]));
    expect(constant).toMatchObject({
      dtype: 'float32',
      shape: [2],
      value,
      parameter: { name: 'w', shape: [2], axes: [0] },
    });
    expect(await constant.read()).toBe(value);
  });

  it('are parameters unless they are buffers', () => {
    expect(parameterNamed('w', [2, 3])).toEqual({ name: 'w', shape: [2, 3], axes: [0, 1] });
    expect(parameterNamed('p', [4], true).buffer).toBe(true);
  });
});
