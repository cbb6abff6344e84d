import { describe, expect, it } from 'vitest';
import { evaluateGraph, float32, GraphBuilder, renameValues } from '../src/index.js';

/** `y = 2 x`. */
function doubling() {
  const b = new GraphBuilder('doubling');
  b.input('x', 'float32', [2]);
  b.output(b.op('Mul', ['x', b.scalar(2)]), 'float32', [2], 'y');
  return b.build();
}

describe('renameValues', () => {
  it('renames inputs and outputs wherever they are read', () => {
    const graph = renameValues(doubling(), { x: 'sample', y: 'x', none: 'other' });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['sample']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['x']);
    expect([...evaluateGraph(graph, { sample: float32([2], [1, 3]) }).x.data]).toEqual([2, 6]);
  });

  it('refuses the name of another value', () => {
    expect(() => renameValues(doubling(), { y: 'x' })).toThrow(expect.objectContaining({ code: 'NAME_CLASH' }));
  });
});
