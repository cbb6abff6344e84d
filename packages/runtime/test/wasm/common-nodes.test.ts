import { evaluateGraph, int } from '@secateur/graph';
import { expect, it } from 'vitest';
import { withoutRepeats } from '../../src/wasm/patterns/common-nodes.js';
import { Sketch, wave } from './cases.js';

it('computes once what is computed alike, and what follows from it', () => {
  const b = new Sketch('repeats', 18);
  const x = b.input('x', 'float32', [2, 3]);
  const twice = (axis: number) => b.op('Softmax', [b.op('Tanh', [x])], { axis: int(axis) });
  b.output(b.op('Add', [b.op('Add', [twice(1), twice(1)]), twice(0)]), 'float32', [2, 3], 'y');
  const graph = b.build();
  const less = withoutRepeats(graph);
  expect(less.nodes.map(({ op }) => op).filter((op) => op === 'Tanh')).toHaveLength(1);
  // Softmax over another axis is another function.
  expect(less.nodes.map(({ op }) => op).filter((op) => op === 'Softmax')).toHaveLength(2);
  const feeds = { x: wave([2, 3]) };
  expect(evaluateGraph(less, feeds)).toEqual(evaluateGraph(graph, feeds));
});

it('keeps every output by its name', () => {
  const b = new Sketch('outputs', 18);
  const x = b.input('x', 'float32', [3]);
  for (const name of ['p', 'q']) b.output(b.op('Tanh', [x]), 'float32', [3], name);
  expect(Object.keys(evaluateGraph(withoutRepeats(b.build()), { x: wave([3]) }))).toEqual(['p', 'q']);
});
