import { constantOf, float32, GraphBuilder, parameterNamed } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { countBlocks, renumberBlocks } from '../src/block-lists.js';

/** A chain of additions, one a block. */
function chain(list: string, numbers: readonly number[]) {
  const b = new GraphBuilder('chain');
  let x = b.input('x', 'float32', [2]);
  for (const number of numbers) {
    const name = `${list}.${number}.bias`;
    b.constant(name, constantOf(float32([2], [number, number]), parameterNamed(name, [2])));
    x = b.scope(`${list}.${number}`, () => b.op('Add', [x, name]));
  }
  b.output(x, 'float32', [2], 'out');
  return b.build();
}

describe('countBlocks', () => {
  it('counts numbers of that very list', () => {
    const names = ['blocks.0.w', 'blocks.0.b', 'blocks.12.w', 'single_blocks.3.w', 'blocks.x.w', 'blocks.7'];
    expect(countBlocks(names, 'blocks')).toBe(2);
    expect(countBlocks(names, 'single_blocks')).toBe(1);
  });
});

describe('renumberBlocks', () => {
  it('moves blocks up in all names', () => {
    const graph = renumberBlocks(chain('blocks', [1, 5, 12]), ['blocks', 'others']);
    expect([...graph.constants].map(([name, { parameter, value }]) => [name, parameter!.name, value!.data[0]])).toEqual(
      [
        ['blocks.0.bias', 'blocks.0.bias', 1],
        ['blocks.1.bias', 'blocks.1.bias', 5],
        ['blocks.2.bias', 'blocks.2.bias', 12],
      ],
    );
    expect(graph.nodes.map(({ scope, inputs }) => [scope, inputs[1]]).slice(0, 3)).toEqual([
      ['blocks.0', 'blocks.0.bias'],
      ['blocks.1', 'blocks.1.bias'],
      ['blocks.2', 'blocks.2.bias'],
    ]);
    expect(graph.nodes[1]!.inputs[0]).toBe(graph.nodes[0]!.outputs[0]);
  });

  it('gives the graph itself where there is no gap, and leaves other lists alone', () => {
    const whole = chain('blocks', [0, 1]);
    expect(renumberBlocks(whole, ['blocks'])).toBe(whole);
    const other = chain('others', [3]);
    expect(renumberBlocks(other, ['blocks'])).toBe(other);
  });
});
