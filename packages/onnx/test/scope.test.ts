import { expect, test } from 'vitest';
import { moduleInList, scopeOfName } from '../src/scope.js';

test.each([
  ['/m/down_blocks.1/attentions.0/to_q/MatMul', 'm.down_blocks.1.attentions.0.to_q'],
  ['down_blocks.1/resnets.0/conv1/Conv', 'down_blocks.1.resnets.0.conv1'],
  ['/Add', ''],
  ['Constant_3', ''],
  ['', ''],
])('the scope of %j is %j', (name, scope) => {
  expect(scopeOfName(name)).toBe(scope);
});

test.each([
  ["['', 'm', 'm.conv_in', 'conv2d']", 'm.conv_in'],
  [
    `['', 'm', "m.__dict__['_modules']['down_blocks'].1.attentions.0", "m.__dict__['_modules']['down_blocks'].1.attentions.0.__dict__['_modules']['norm']", 'group_norm_4']`,
    'm.down_blocks.1.attentions.0.norm',
  ],
  ["['', 'add']", ''],
  ['', undefined],
])('the module in %s is %j', (list, module) => {
  expect(moduleInList(list)).toBe(module);
});
