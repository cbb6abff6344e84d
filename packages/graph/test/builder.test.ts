import { describe, expect, it } from 'vitest';
import { constantOf, float32, GraphBuilder, int64, symbol } from '../src/index.js';

describe('GraphBuilder', () => {
  it('names values after scope and operator, numbered where the name is taken', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1]);
    b.scope('block', () => b.scope('0', () => [b.op('Relu', [x]), b.op('Relu', [x])]));
    const names = b.build().nodes.map(({ name, outputs, scope }) => [name, outputs[0], scope]);
    expect(names).toEqual([
      ['block/0/Relu', 'block/0/Relu', 'block.0'],
      ['block/0/Relu_1', 'block/0/Relu_1', 'block.0'],
    ]);
  });

  it('never gives a name twice, whoever took it', () => {
    const b = new GraphBuilder('g');
    b.input('Relu', 'float32', [1]);
    b.constant('Relu_1', constantOf(float32([1], [0])));
    expect(b.op('Relu', ['Relu'])).toBe('Relu_2');
    expect(b.op('Relu', ['Relu'], {}, { name: 'Relu_2' })).toBe('Relu_2_1');
  });

  it('leaves a scope also when its body throws', () => {
    const b = new GraphBuilder('g');
    expect(() =>
      b.scope('broken', () => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(b.op('Relu', [b.input('x', 'float32', [1])])).toBe('Relu');
  });

  it('gives several outputs names of their own', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [4]);
    expect(b.multi('Split', [x], {}, { outputs: 2, name: 'part' })).toEqual(['part', 'part.1']);
    expect(b.multi('Split', [x], {}, { outputs: 2, name: 'part' })).toEqual(['part_1', 'part_1.1']);
  });

  it('adds a named constant once', () => {
    const b = new GraphBuilder('g');
    const [first, second] = [constantOf(float32([1], [1])), constantOf(float32([1], [2]))];
    expect([b.constant('w', first), b.constant('w', second)]).toEqual(['w', 'w']);
    expect(b.build().constants.get('w')).toBe(first);
  });

  it('writes tensors, vectors of integers and scalars as constants', () => {
    const b = new GraphBuilder('g');
    const names = [b.ints([1, 2]), b.scalar(0.5), b.tensor(float32([1], [3]), 'three')];
    const values = names.map((name) => b.build().constants.get(name)!.value);
    expect(values).toEqual([int64([1, 2]), float32([], [0.5]), float32([1], [3])]);
    expect(names[2]).toBe('three');
  });

  it('renames an output through an Identity, and needs none where the name fits', () => {
    const b = new GraphBuilder('g');
    const y = b.op('Relu', [b.input('x', 'float32', [symbol('n')])], {}, { name: 'y' });
    b.output(y, 'float32', [symbol('n')]);
    b.output(y, 'float32', [symbol('n')], 'result');
    const { nodes, outputs } = b.build();
    expect(outputs.map(({ name }) => name)).toEqual(['y', 'result']);
    expect(nodes.map(({ op, inputs, outputs: made }) => `${op} ${inputs} ${made}`)).toEqual([
      'Relu x y',
      'Identity y result',
    ]);
  });

  it('carries opset, domain and metadata', () => {
    const b = new GraphBuilder('g', 21);
    b.op('Gelu', [b.input('x', 'float32', [1])], {}, { domain: 'com.microsoft' });
    expect(b.build({ made: 'by hand' })).toMatchObject({
      name: 'g',
      opset: 21,
      nodes: [{ domain: 'com.microsoft' }],
      metadata: { made: 'by hand' },
    });
  });
});
