import { expect, it } from 'vitest';
import { matches } from '../src/index.js';

it.each([
  ['conv_in.weight', 'conv_in.weight', true],
  ['conv_in.weight', 'conv_inXweight', false],
  ['conv_in', 'conv_in.weight', false],
  ['*', 'anything', true],
  ['*.bias', 'a.b.bias', true],
  ['down_blocks.*.conv1.*', 'down_blocks.0.resnets.1.conv1.weight', true],
  ['down*conv1', 'down_blocks.0.conv1.weight', false],
  ['a(b)[c]+', 'a(b)[c]+', true],
])('%s on %s is %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected);
});
