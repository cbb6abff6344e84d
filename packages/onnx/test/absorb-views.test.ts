import {
  constantOf,
  evaluateGraph,
  float32,
  type Graph,
  GraphBuilder,
  int64,
  ints,
  parameterNamed,
} from '@secateur/graph';
import { expect, test } from 'vitest';
import { absorbViews } from '../src/index.js';

function graphOf(build: (builder: GraphBuilder) => void): Graph {
  const builder = new GraphBuilder('views', 18);
  build(builder);
  return builder.build();
}

const weight = (shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  const value = float32(
    shape,
    Float32Array.from({ length: size }, (_, i) => i),
  );
  return constantOf(value, parameterNamed('fc.weight', shape));
};

test('Transpose before MatMul becomes a transposed parameter', () => {
  const graph = graphOf((builder) => {
    const x = builder.input('x', 'float32', [2, 3]);
    const w = builder.op(
      'Transpose',
      [builder.constant('fc.weight', weight([4, 3]))],
      { perm: ints([1, 0]) },
      { name: 'wt' },
    );
    builder.output(builder.op('MatMul', [x, w], {}, { name: 'y' }), 'float32', [2, 4]);
  });
  const absorbed = absorbViews(graph);
  expect(absorbed.nodes.map((node) => node.op)).toEqual(['MatMul']);
  expect([...absorbed.constants.keys()]).toEqual(['wt']);
  const constant = absorbed.constants.get('wt')!;
  expect(constant.parameter).toEqual({ name: 'fc.weight', shape: [4, 3], axes: [1, 0] });
  expect([...constant.value!.data]).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
  expect(constant.location).toBeUndefined();
  const x = float32([2, 3], [1, 2, 3, 4, 5, 6]);
  expect(evaluateGraph(absorbed, { x })).toEqual(evaluateGraph(graph, { x }));
});

test('inserted axes, then a transposition, are followed together', () => {
  const graph = graphOf((builder) => {
    const a = builder.op('Unsqueeze', [builder.constant('fc.weight', weight([4, 3])), builder.ints([1])]);
    const b = builder.op('Transpose', [a], { perm: ints([2, 1, 0]) }, { name: 'b' });
    builder.output(builder.op('Neg', [b], {}, { name: 'y' }), 'float32', [3, 1, 4]);
  });
  const absorbed = absorbViews(graph);
  expect(absorbed.constants.get('b')!.parameter!.axes).toEqual([1, null, 0]);
  expect(evaluateGraph(absorbed, {})).toEqual(evaluateGraph(graph, {}));
});

test('a Reshape that merges axes stays, and so do views of anything but parameters', () => {
  const graph = graphOf((builder) => {
    const merged = builder.op('Reshape', [builder.constant('fc.weight', weight([4, 3])), builder.ints([12])]);
    const table = builder.op('Transpose', [builder.tensor(int64([1, 2], [1, 2]))], { perm: ints([1, 0]) });
    builder.output(builder.op('Neg', [merged]), 'float32', [12]);
    builder.output(builder.op('Neg', [table]), 'int64', [2, 1]);
  });
  expect(absorbViews(graph).nodes.map((node) => node.op)).toEqual(['Reshape', 'Transpose', 'Neg', 'Neg']);
});

test('a parameter that others read as it is stays beside its view', () => {
  const graph = graphOf((builder) => {
    const w = builder.constant('fc.weight', weight([2, 2]));
    const t = builder.op('Transpose', [w], {}, { name: 't' });
    builder.output(builder.op('Add', [w, t], {}, { name: 'y' }), 'float32', [2, 2]);
  });
  const absorbed = absorbViews(graph);
  expect([...absorbed.constants.keys()]).toEqual(['fc.weight', 't']);
  expect([...evaluateGraph(absorbed, {}).y.data]).toEqual([0, 3, 3, 6]);
});
