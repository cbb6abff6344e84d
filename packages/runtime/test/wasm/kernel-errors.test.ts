import { SparseWasmError } from '@secateur/sparse-wasm';
import { expect, it } from 'vitest';
import { fromKernels } from '../../src/wasm/kernel-errors.js';

it('says what was done when memory ran out, and what to do', () => {
  const error = fromKernels(new SparseWasmError('OUT_OF_MEMORY', 'The memory cannot grow.'), 'layer "conv"', 'conv');
  expect(error).toMatchObject({
    code: 'ENGINE_FAILED',
    message: 'wasm: layer "conv": The memory cannot grow.',
    field: 'conv',
    hint: expect.stringContaining('memory: "small"'),
  });
});

it('keeps what is wrong with data, and the hint that came with it', () => {
  const error = fromKernels(new SparseWasmError('BAD_DATA', 'NaN.', { hint: 'Look.' }), 'x');
  expect(error).toMatchObject({ code: 'BAD_DATA', hint: 'Look.' });
});

it('passes on what is not from the kernels', () => {
  const error = new TypeError('bug');
  expect(fromKernels(error, 'x')).toBe(error);
});
