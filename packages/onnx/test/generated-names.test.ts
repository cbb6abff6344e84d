import { expect, test } from 'vitest';
import { isGeneratedName } from '../src/import/generated-names.js';

test.each([
  ['onnx::MatMul_1061', true],
  ['/m/time_proj/Constant_3_output_0', true],
  ['val_12', true],
  ['1051', true],
  ['Constant_3', true],
  ['', true],
  ['conv_in.weight', false],
  ['transformer_blocks.0.ff.net.0.proj.bias', false],
  ['pos_embed', false],
  ['val_block.0.weight', false],
])('%j: %s', (name, expected) => {
  expect(isGeneratedName(name)).toBe(expected);
});
