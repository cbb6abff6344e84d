import { type Dim, GraphBuilder, multiplyDims, symbol } from '@secateur/graph';
import { expect, test } from 'vitest';
import { defaultSizes } from '../src/default-sizes.js';

const [batch, h, w, seq, n] = ['batch', 'height', 'width', 'seq', 'n'].map(symbol);

test.each<[string, Dim[][], Record<string, number>]>([
  ['static', [[1, 3, 16, 16]], {}],
  ['a picture', [[batch, 3, h, w], [batch]], { height: 32, width: 32 }],
  [
    'a latent with text',
    [
      [batch, 4, h, w],
      [batch, seq, 768],
    ],
    { height: 64, width: 64, seq: 77 },
  ],
  ['compound', [[batch, 4, multiplyDims(2, h), 8], [n]], { height: 64, n: 1 }],
])('%s', (_, shapes, expected) => {
  const builder = new GraphBuilder('sizes');
  shapes.forEach((shape, i) => {
    builder.input(`x${i}`, 'float32', shape);
  });
  expect(defaultSizes(builder.build())).toEqual(expected);
});
