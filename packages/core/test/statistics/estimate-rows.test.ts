import { symbol, type ValueType } from '@secateur/graph';
import { expect, it } from 'vitest';
import { estimateRows } from '../../src/statistics/estimate-rows.js';

const typesOf = (...shapes: ValueType['shape'][]) =>
  new Map(shapes.map((shape, i): [string, ValueType] => [`v${i}`, { dtype: 'float32', shape }]));
const [batch, height] = [symbol('batch'), symbol('height')];

it.each([
  // 4 · 4 · 2^20 bytes of 2^29: 32 rows, of which 16 are as good.
  [[batch, 2 ** 20], 16],
  [[batch, 2 ** 22], 8],
  [[batch, 4, height, height], 8],
  [[batch, 2 ** 26], 1],
])('a largest value of %j allows %i rows', (shape, rows) => {
  expect(estimateRows({ sizes: { height: 2 ** 10 } }, typesOf([batch, 3], shape))).toBe(rows);
});

it('takes a size that nobody knows for one', () => {
  expect(estimateRows({ sizes: {} }, typesOf([batch, symbol('who_knows')]))).toBe(16);
});
