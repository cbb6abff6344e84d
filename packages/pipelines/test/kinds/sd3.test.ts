import { toNumbers } from '@secateur/graph';
import { expect, it } from 'vitest';
import { sd3 } from '../../src/kinds/sd3.js';
import { fakeDenoiser, fakeEncoder, requestFor } from './fake-parts.js';

const { model, inputs } = fakeDenoiser({ encoder_hidden_states: [6, 4], pooled_projections: [3] });
const clips = () => [fakeEncoder('text_encoder', 1), fakeEncoder('text_encoder_2', 2)];

it('puts the CLIPs side by side, fills up with zeros, and T5 behind them', async () => {
  const kind = sd3(model, inputs, clips(), fakeEncoder('text_encoder_3', 4), 2);
  const { given, without } = await kind.conditions(requestFor(['ab'], { negative: ['x'] }));
  const clip = [2, 2, 2, 0];
  expect(given.encoder_hidden_states.shape).toEqual([1, 6, 4]);
  expect(toNumbers(given.encoder_hidden_states)).toEqual([...clip, ...clip, ...clip, ...new Array(12).fill(2)]);
  expect(toNumbers(given.pooled_projections)).toEqual([2, 2, 2]);
  expect(toNumbers(without!.pooled_projections)).toEqual([1, 1, 1]);
});

it('has zeros where T5 is left out', async () => {
  const { given, without } = await sd3(model, inputs, clips(), undefined, 2).conditions(
    requestFor(['ab'], { guidanceScale: 1 }),
  );
  expect(given.encoder_hidden_states.shape).toEqual([1, 3 + 256, 4]);
  expect(toNumbers(given.encoder_hidden_states).slice(12)).toEqual(new Array(1024).fill(0));
  expect(without).toBeUndefined();
});

it('names widths that do not fit', async () => {
  expect(() => sd3(model, inputs, clips(), fakeEncoder('text_encoder_3', 5), 2)).toThrow(/text_encoder_3 gives 5/);
  const wide = [fakeEncoder('text_encoder', 4), fakeEncoder('text_encoder_2', 4)];
  expect(() => sd3(model, inputs, wide, undefined, 2)).toThrow(
    expect.objectContaining({ field: 'pooled_projections' }),
  );
});
