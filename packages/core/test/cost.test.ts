import { castTensor, constantOf, float32, GraphBuilder, ints, parameterNamed, symbol } from '@secateur/graph';
import { expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import { costOf } from '../src/index.js';

it('counts parameters, MACs of one sample at the usual size, and bytes', () => {
  const b = new GraphBuilder('cost');
  const shape = [symbol('batch'), 2, symbol('height'), symbol('width')];
  const x = b.input('x', 'float32', shape);
  const weight = float32([3, 2, 3, 3], new Float32Array(54));
  const w = b.constant('w', constantOf(weight, parameterNamed('w', [3, 2, 3, 3])));
  const bias = b.constant('b', constantOf(float32([3], [0, 0, 0]), parameterNamed('b', [3])));
  const table = castTensor(float32([4], [1, 2, 3, 4]), 'float16');
  b.constant('t', constantOf(table, parameterNamed('table', [4], true)));
  b.output(b.op('Conv', [x, w, bias], { pads: ints([1, 1, 1, 1]) }), 'float32', [
    symbol('batch'),
    3,
    symbol('height'),
    symbol('width'),
  ]);
  // 54 + 3 parameters; the table is a buffer and counts in bytes alone; 54 MACs at each of 5 x 7 places.
  expect(costOf({ graph: b.build(), sizes: { height: 5, width: 7 } })).toEqual({
    parameters: 57,
    macs: 54 * 35,
    attentionMacs: 0,
    bytes: 57 * 4 + 4 * 2,
  });
});

it('counts attention products apart', () => {
  // 16 tokens of width 8: two products of 16 * 16 * 8.
  expect(costOf(tinyModel()).attentionMacs).toBe(2 * 16 * 16 * 8);
});
