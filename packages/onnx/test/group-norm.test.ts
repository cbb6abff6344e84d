import {
  type Constant,
  constantOf,
  evaluateGraph,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  parameterNamed,
  symbol,
  type Tensor,
} from '@secateur/graph';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decomposeGroupNorm, fuseGroupNorm } from '../src/index.js';
import { maxDifference } from './fixture.js';

const ramp = (shape: number[], seed: number): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
  );
};

const parameter = (name: string, shape: number[], seed: number): Constant =>
  constantOf(ramp(shape, seed), parameterNamed(name, shape));

function groupNorm(groups: number, channels: number, spatial: number, extra?: (builder: GraphBuilder) => void): Graph {
  const builder = new GraphBuilder('norm', 17);
  const sizes = ['height', 'width', 'depth'].slice(0, spatial).map(symbol);
  const shape = [symbol('batch'), channels, ...sizes];
  const x = builder.input('x', 'float32', shape);
  builder.scope('norm1', () => {
    const scale = builder.constant('norm1.weight', parameter('norm1.weight', [channels], 1));
    const bias = builder.constant('norm1.bias', parameter('norm1.bias', [channels], 2));
    const attributes = { num_groups: int(groups), epsilon: float(1e-3) };
    builder.output(
      builder.op('GroupNormalization', [x, scale, bias], attributes, { name: 'norm1/GroupNormalization' }),
      'float32',
      shape,
    );
  });
  extra?.(builder);
  return builder.build();
}

const ops = (graph: Graph): string[] => graph.nodes.map((node) => node.op);

describe('decomposeGroupNorm', () => {
  test('is the form that exporters write', () => {
    const graph = decomposeGroupNorm(groupNorm(2, 4, 2));
    expect(ops(graph)).toEqual(['Reshape', 'InstanceNormalization', 'Shape', 'Reshape', 'Mul', 'Add']);
    expect(graph.nodes.map((node) => node.name)).toEqual([
      'norm1/Reshape',
      'norm1/InstanceNormalization',
      'norm1/Shape',
      'norm1/Reshape_1',
      'norm1/Mul',
      'norm1/Add',
    ]);
    expect(new Set(graph.nodes.map((node) => node.scope))).toEqual(new Set(['norm1']));
    expect(graph.constants.get('norm1.weight')).toMatchObject({
      shape: [4, 1, 1],
      parameter: { name: 'norm1.weight', shape: [4], axes: [0, null, null] },
    });
  });

  test('computes the same as by hand', () => {
    // One picture, 2 groups of 1 channel of 2 pixels: (x - mean) / sqrt(variance + 1e-3), scaled and shifted.
    const graph = decomposeGroupNorm(groupNorm(2, 2, 1));
    const { [graph.outputs[0].name]: y } = evaluateGraph(graph, { x: float32([1, 2, 2], [1, 3, -4, 0]) });
    const [w0, w1, b0, b1] = [1, 2.7, 2, 3.7].map(Math.sin);
    const a = 1 / Math.sqrt(1 + 1e-3);
    const b = 2 / Math.sqrt(4 + 1e-3);
    const expected = [-a * w0 + b0, a * w0 + b0, -b * w1 + b1, b * w1 + b1];
    expect(maxDifference(y, float32([1, 2, 2], expected))).toBeLessThan(1e-6);
  });

  test('computes what GroupNormalization computes, within float32 rounding of values below 10', () => {
    fc.assert(
      fc.property(
        fc.record({
          groups: fc.integer({ min: 1, max: 4 }),
          each: fc.integer({ min: 1, max: 3 }),
          spatial: fc.integer({ min: 1, max: 3 }),
          keep: fc.boolean(),
        }),
        ({ groups, each, spatial, keep }) => {
          const graph = groupNorm(groups, groups * each, spatial);
          const x = ramp([2, groups * each, ...[3, 2, 2].slice(0, spatial)], 5);
          const plain = decomposeGroupNorm(graph, new Set(keep ? ['norm1.weight', 'norm1.bias'] : []));
          const name = graph.outputs[0].name;
          expect(maxDifference(evaluateGraph(plain, { x })[name], evaluateGraph(graph, { x })[name])).toBeLessThan(
            1e-5,
          );
        },
      ),
      { seed: 1, numRuns: 40 },
    );
  });

  test('constants that must keep their shape, or that others read, go through a Reshape', () => {
    const kept = decomposeGroupNorm(groupNorm(2, 4, 2), new Set(['norm1.weight']));
    expect(kept.constants.get('norm1.weight')!.shape).toEqual([4]);
    expect(kept.constants.get('norm1.bias')!.shape).toEqual([4, 1, 1]);
    expect(ops(kept).filter((op) => op === 'Reshape')).toHaveLength(3);
    const shared = groupNorm(2, 4, 2, (builder) => {
      builder.output(builder.op('Neg', ['norm1.bias']), 'float32', [4]);
    });
    expect(decomposeGroupNorm(shared).constants.get('norm1.bias')!.shape).toEqual([4]);
  });

  test('leaves other graphs alone', () => {
    const builder = new GraphBuilder('none');
    builder.output(builder.op('Neg', [builder.input('x', 'float32', [2])]), 'float32', [2]);
    const graph = builder.build();
    expect(decomposeGroupNorm(graph)).toBe(graph);
  });
});

describe('fuseGroupNorm', () => {
  test.each([1, 2, 3])('takes back what decomposeGroupNorm does, with %i axes after the channels', (spatial) => {
    const graph = groupNorm(2, 6, spatial);
    const again = fuseGroupNorm(decomposeGroupNorm(graph));
    expect(ops(again)).toEqual(['GroupNormalization']);
    expect(again.nodes[0].outputs).toEqual(graph.nodes[0].outputs);
    expect(again.nodes[0]).toMatchObject({ scope: 'norm1', attributes: { num_groups: int(2), epsilon: float(1e-3) } });
    expect([...again.constants.keys()].sort()).toEqual(['norm1.bias', 'norm1.weight']);
    expect(again.constants.get('norm1.weight')).toMatchObject({
      shape: [6],
      parameter: parameterNamed('norm1.weight', [6]),
    });
    const x = ramp([2, 6, ...[3, 2, 2].slice(0, spatial)], 5);
    const name = graph.outputs[0].name;
    expect(evaluateGraph(again, { x })[name]).toEqual(evaluateGraph(graph, { x })[name]);
  });

  test.each(['norm1/InstanceNormalization_output_0', 'norm1/Mul_output_0'])(
    'not when %s is read elsewhere',
    (value) => {
      const plain = decomposeGroupNorm(groupNorm(2, 4, 2));
      const read = { ...plain, outputs: [...plain.outputs, { name: value, dtype: 'float32' as const, shape: [] }] };
      expect(ops(fuseGroupNorm(read))).toContain('InstanceNormalization');
    },
  );

  test('not when the inner scale is not one', () => {
    const plain = decomposeGroupNorm(groupNorm(2, 4, 2));
    const constants = new Map(plain.constants).set('group_norm/ones_2_float32', constantOf(float32([2], [1, 2])));
    expect(ops(fuseGroupNorm({ ...plain, constants }))).toContain('InstanceNormalization');
  });

  test('a shared scale keeps its shape for its other reader', () => {
    const plain = decomposeGroupNorm(groupNorm(2, 4, 2));
    const add = plain.nodes.at(-1)!;
    const other = { ...add, name: 'other', op: 'Neg', inputs: ['norm1.weight'], outputs: ['other'] };
    const graph: Graph = {
      ...plain,
      nodes: [...plain.nodes, other],
      outputs: [...plain.outputs, { name: 'other', dtype: 'float32', shape: [4, 1, 1] }],
    };
    const fused = fuseGroupNorm(graph);
    expect(ops(fused)).toEqual(['GroupNormalization', 'Neg']);
    const x = ramp([1, 4, 3, 2], 5);
    expect(evaluateGraph(fused, { x }).other).toEqual(evaluateGraph(graph, { x }).other);
  });
});
