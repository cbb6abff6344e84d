import { describe, expect, it } from 'vitest';
import { GraphBuilder, inferTypes, ints, SecateurError, symbol } from '../src/index.js';
import { countMacs } from '../src/macs.js';
import { weight } from './ops/case.js';

/** A 3x3 convolution of 3 to 8 channels, then a product of the picture's columns with themselves. */
function model() {
  const b = new GraphBuilder('model');
  const x = b.input('x', 'float32', [symbol('batch'), 3, symbol('height'), symbol('width')]);
  const h = b.scope('conv', () => b.op('Conv', [x, weight(b, 'w', [8, 3, 3, 3])], { pads: ints([1, 1, 1, 1]) }));
  b.scope('attention', () =>
    b.op('MatMul', [h, b.op('Transpose', [h], { perm: ints([0, 1, 3, 2]) })], {}, { name: 'y' }),
  );
  return b.build();
}

describe('countMacs', () => {
  it('counts weights and products apart, in all and by scope', () => {
    const macs = countMacs(model(), { symbols: { height: 4, width: 5 } });
    expect(macs.weights).toBe(8 * 3 * 9 * 20);
    expect(macs.products).toBe(8 * 4 * 4 * 5);
    expect([...macs.byScope]).toEqual([
      ['conv', { weights: 4320, products: 0 }],
      ['attention', { weights: 0, products: 640 }],
    ]);
  });

  it('counts one sample unless told otherwise', () => {
    expect(countMacs(model(), { symbols: { batch: 3, height: 4, width: 5 } }).weights).toBe(3 * 4320);
  });

  it('takes types that are known already', () => {
    const graph = model();
    const types = inferTypes(graph, { inputs: new Map([['x', { dtype: 'float32', shape: [1, 3, 4, 5] }]]) });
    expect(countMacs(graph, { types }).weights).toBe(4320);
  });

  it('names the symbol that has no value', () => {
    expect(() => countMacs(model(), { symbols: { height: 4 } })).toThrow(SecateurError);
    expect(() => countMacs(model(), { symbols: { height: 4 } })).toThrow(/Conv "conv\/Conv".*width/);
  });
});
