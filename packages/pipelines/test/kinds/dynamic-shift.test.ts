import { expect, it } from 'vitest';
import { dynamicShift } from '../../src/kinds/dynamic-shift.js';

it('lies on a line through two points', () => {
  const config = { use_dynamic_shifting: true };
  expect(dynamicShift(config, 256).mu).toBeCloseTo(0.5, 12);
  expect(dynamicShift(config, 4096).mu).toBeCloseTo(1.15, 12);
  expect(dynamicShift(config, 2176).mu).toBeCloseTo(0.825, 12);
  const own = { ...config, base_image_seq_len: 0, max_image_seq_len: 10, base_shift: 1, max_shift: 2 };
  expect(dynamicShift(own, 5).mu).toBeCloseTo(1.5, 12);
});

it('is not there where it is not asked for', () => {
  expect(dynamicShift({}, 256)).toEqual({});
  expect(dynamicShift({ use_dynamic_shifting: false }, 256)).toEqual({});
});
