import { expect, test } from 'vitest';
import { scopeOfName } from '../src/scope.js';

test.each([
  ['/m/down_blocks.1/attentions.0/to_q/MatMul', 'm.down_blocks.1.attentions.0.to_q'],
  ['down_blocks.1/resnets.0/conv1/Conv', 'down_blocks.1.resnets.0.conv1'],
  ['/Add', ''],
  ['Constant_3', ''],
  ['', ''],
])('the scope of %j is %j', (name, scope) => {
  expect(scopeOfName(name)).toBe(scope);
});
