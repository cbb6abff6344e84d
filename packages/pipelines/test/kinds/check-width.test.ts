import { expect, it } from 'vitest';
import { checkWidth } from '../../src/kinds/check-width.js';
import { fakeDenoiser } from './fake-parts.js';

const { inputs } = fakeDenoiser({ encoder_hidden_states: [3, 12] });

it('adds encoders up', () => {
  checkWidth(inputs, 'encoder_hidden_states', [
    ['a', 4],
    ['b', 8],
  ]);
  expect(() =>
    checkWidth(inputs, 'encoder_hidden_states', [
      ['a', 4],
      ['b', 9],
    ]),
  ).toThrow(
    expect.objectContaining({
      code: 'SHAPE_MISMATCH',
      field: 'encoder_hidden_states',
      message: 'The denoiser’s encoder_hidden_states are 12 wide; a gives 4, b gives 9.',
    }),
  );
});

it('says nothing about what it does not know', () => {
  checkWidth(inputs, 'encoder_hidden_states', [['a', undefined]]);
  checkWidth(inputs, 'absent', [['a', 5]]);
});
