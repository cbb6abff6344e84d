import { describe, expect, it } from 'vitest';
import { float32, GraphBuilder, subgraph, symbol } from '../src/index.js';

/** `double = 2 a`, `sum = b + c`, `same = c`, with a constant for the first alone. */
function twoParts() {
  const b = new GraphBuilder('two parts');
  const shape = [symbol('batch')];
  for (const name of ['a', 'b', 'c']) b.input(name, 'float32', shape);
  b.constant('two', { dtype: 'float32', shape: [], read: async () => float32([], [2]) });
  b.output(b.op('Mul', ['a', 'two']), 'float32', shape, 'double');
  b.output(b.op('Add', ['b', 'c']), 'float32', shape, 'sum');
  b.outputs.push({ name: 'c', dtype: 'float32', shape });
  return b.build();
}

const namesOf = (values: readonly { name: string }[]) => values.map(({ name }) => name);

describe('subgraph', () => {
  it('keeps what an output needs and drops inputs that nobody reads', () => {
    const part = subgraph(twoParts(), ['double']);
    expect(namesOf(part.inputs)).toEqual(['a']);
    expect(namesOf(part.outputs)).toEqual(['double']);
    expect(part.nodes.map(({ op }) => op)).toEqual(['Mul', 'Identity']);
    expect([...part.constants.keys()]).toEqual(['two']);
  });

  it('keeps the order of inputs and takes that of outputs from the request', () => {
    const part = subgraph(twoParts(), ['sum', 'double']);
    expect(namesOf(part.inputs)).toEqual(['a', 'b', 'c']);
    expect(namesOf(part.outputs)).toEqual(['sum', 'double']);
  });

  it('keeps an input that is an output', () => {
    const part = subgraph(twoParts(), ['c']);
    expect([namesOf(part.inputs), part.nodes, part.constants.size]).toEqual([['c'], [], 0]);
  });

  it('refuses a name that is no output, and says which there are', () => {
    expect(() => subgraph(twoParts(), ['half'])).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', hint: 'Its outputs are double, sum, c.' }),
    );
  });
});
