import { constantOf, float, float32, type Graph, GraphBuilder, int, symbol } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { lowerGroupNorm } from '../src/lower-group-norm.js';
import { nodeEngine } from '../src/node.js';

/** Two norms over `x: [batch, 4, size]`, in 2 norm groups. */
function twoNorms(scaleDType: 'float32' | 'float64' = 'float32'): Graph {
  const b = new GraphBuilder('norms', 21);
  const x = b.input('x', scaleDType, [symbol('batch'), 4, symbol('size')]);
  const scale = b.constant('scale', constantOf({ ...float32([4], [1, 2, 3, 4]), dtype: scaleDType }));
  const bias = b.constant('bias', constantOf({ ...float32([4], [0, 0, 1, 1]), dtype: scaleDType }));
  const norm = (value: string, name: string) =>
    b.op('GroupNormalization', [value, scale, bias], { num_groups: int(2), epsilon: float(0) }, { name });
  b.output(norm(norm(x, 'first'), 'y'), scaleDType, [symbol('batch'), 4, symbol('size')]);
  return b.build();
}

describe('lowerGroupNorm', () => {
  it('keeps the values that are outputs and shares the constants of like norms', () => {
    const { nodes, constants } = lowerGroupNorm(twoNorms());
    const form = ['Reshape', 'InstanceNormalization', 'Shape', 'Reshape', 'BatchNormalization'];
    expect(nodes.map((node) => node.op)).toEqual([...form, ...form]);
    expect([nodes[4]!.outputs, nodes[9]!.outputs]).toEqual([['first'], ['y']]);
    expect(constants.size).toBe(2 + 5);
    expect(new Set(nodes.map((node) => node.name)).size).toBe(10);
  });

  it('leaves alone what BatchNormalization may not do', () => {
    const graph = twoNorms('float64');
    expect(lowerGroupNorm(graph).nodes).toEqual(graph.nodes);
    const fed = { ...twoNorms(), constants: new Map() };
    expect(lowerGroupNorm(fed).nodes).toEqual(fed.nodes);
  });

  it('normalises each norm group, then scales each channel', async () => {
    const b = new GraphBuilder('norm', 21);
    const x = b.input('x', 'float32', [1, 4, 1]);
    const inputs = [x, ...['scale', 'bias'].map((name) => b.constant(name, twoNorms().constants.get(name)!))];
    b.output(
      b.op('GroupNormalization', inputs, { num_groups: int(2), epsilon: float(0) }, { name: 'y' }),
      'float32',
      [1, 4, 1],
    );
    const executable = await (await nodeEngine()).compile(b.build());
    // Groups {1, 3} and {5, 9}: means 2 and 7, deviations 1 and 2, so -1 and 1 twice.
    const { y } = await executable.run({ x: float32([1, 4, 1], [1, 3, 5, 9]) });
    const expected = [-1, 2, -2, 5];
    for (const [i, value] of expected.entries()) expect(y!.data[i]).toBeCloseTo(value, 6);
    await executable.dispose();
  });
});
