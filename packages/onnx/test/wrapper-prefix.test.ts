import { expect, test } from 'vitest';
import { wrapperPrefix } from '../src/import/wrapper-prefix.js';

test.each([
  [[], ''],
  [['m.a.weight'], ''],
  [['m.a.weight', 'm.b.bias'], 'm.'],
  [['m.a.weight', 'm.table'], 'm.'],
  [['m.n.a.weight', 'm.n.b.bias'], 'm.n.'],
  [['a.weight', 'b.weight'], ''],
  [['conv.weight', 'conv.bias'], ''],
  [['m.conv.weight', 'm.conv.bias'], 'm.'],
  [['text_model.a.weight', 'text_model.b.weight'], ''],
  [['m.text_model.a.weight', 'm.text_model.b.weight'], 'm.'],
  [['m.a.weight', 'mm.b.weight'], ''],
])('%j has prefix "%s"', (names, prefix) => {
  expect(wrapperPrefix(names)).toBe(prefix);
});
