import { createSampler, torchGenerator } from '@secateur/samplers';
import { describe, expect, it } from 'vitest';
import { checkTimestepSampling, drawTimesteps, lossWeight } from '../src/timesteps.js';

const ddpm = createSampler({ _class_name: 'DDPMScheduler' });
const flow = createSampler({ _class_name: 'FlowMatchEulerDiscreteScheduler' });

describe('drawTimesteps', () => {
  it('draws as torch.randint does', () => {
    const drawn = drawTimesteps('uniform', ddpm, 5, torchGenerator(1));
    expect(drawn).toEqual(torchGenerator(1).randint(1000, 5));
  });
  it('mirrors the second half', () => {
    const [a, b, c, d, e] = drawTimesteps('antithetic', ddpm, 5, torchGenerator(1));
    expect([a, b, c]).toEqual(torchGenerator(1).randint(1000, 3));
    expect([d, e]).toEqual([999 - a, 999 - b]);
  });
  it('draws from a list', () => {
    const drawn = drawTimesteps([7, 900], ddpm, 20, torchGenerator(1));
    expect(new Set(drawn)).toEqual(new Set([7, 900]));
  });
  it('never asks flow matching for pure data', () => {
    const drawn = drawTimesteps('uniform', flow, 3000, torchGenerator(1));
    expect(Math.min(...drawn)).toBe(1);
    expect(Math.max(...drawn)).toBe(1000);
  });
  it('refuses timesteps outside the schedule', () => {
    expect(() => checkTimestepSampling([1000], ddpm)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => checkTimestepSampling([], ddpm)).toThrow(/no way to draw/);
  });
});

describe('lossWeight', () => {
  // signal 0.8, noise 0.6: SNR = 0.64 / 0.36 = 16 / 9
  const process = { trainTimesteps: 2, signal: () => 0.8, noise: () => 0.6 };
  const snr = 16 / 9;
  it('is 1 without weighting', () => expect(lossWeight('none', process, 'epsilon', 0)).toBe(1));
  it.each([
    ['epsilon', 1, 1 / snr],
    ['epsilon', 5, 1],
    ['v_prediction', 1, 1 / (snr + 1)],
    ['sample', 1, 1],
    ['sample', 5, snr],
    ['flow_prediction', 1, 0.36],
  ] as const)('for %s with gamma %f is %f', (prediction, minSnr, expected) => {
    expect(lossWeight({ minSnr }, process, prediction, 0)).toBeCloseTo(expected, 12);
  });
  it('weighs all predictions alike in terms of the clean sample', () => {
    // Errors of x0 = c times the error predicted, c^2: epsilon 1 / SNR, v noise^2, flow noise^2 where signal + noise = 1
    const minSnr = 1;
    expect(lossWeight({ minSnr }, process, 'epsilon', 0)).toBeCloseTo(minSnr / snr, 12);
    expect(lossWeight({ minSnr }, process, 'v_prediction', 0)).toBeCloseTo(minSnr * 0.36, 12);
  });
});
