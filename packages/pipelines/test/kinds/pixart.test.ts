import { float32, int64 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { pixart } from '../../src/kinds/pixart.js';
import { fakeDenoiser, fakeEncoder, requestFor } from './fake-parts.js';

const { model, inputs } = fakeDenoiser({ encoder_hidden_states: [3, 2], resolution: [2], aspect_ratio: [1] });

it('puts prompts in lower case, and says the picture’s size', async () => {
  const t5 = fakeEncoder('t5', 2);
  const { given, without } = await pixart(model, inputs, t5).conditions(
    requestFor([' A Cat ', 'B'], { negative: ['X', ''] }),
  );
  expect(t5.heard).toEqual(['a cat', 'b', 'x', '']);
  expect(given.resolution).toEqual(float32([2, 2], [16, 32, 16, 32]));
  expect(without?.aspect_ratio).toEqual(float32([2, 1], [0.5, 0.5]));
  expect(without?.mask).toEqual(int64([1, 0, 0, 0, 0, 0], [2, 3]));
});

it('cuts the padding off, picture by picture', () => {
  const kind = pixart(model, inputs, fakeEncoder('t5', 2));
  const row = {
    encoder_hidden_states: float32([1, 3, 2], [1, 2, 3, 4, 5, 6]),
    mask: int64([1, 1, 0], [1, 3]),
    resolution: float32([1, 2], [16, 16]),
  };
  expect(kind.unpadded?.(row)).toEqual({
    encoder_hidden_states: float32([1, 2, 2], [1, 2, 3, 4]),
    resolution: row.resolution,
  });
});
