import { toFloat32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { resizePlanes } from '../../src/features/resize.js';
import { expected, input, rows } from '../support/reference.js';

describe('resizePlanes', () => {
  const planes = toFloat32(rows(input('a'), 0, 1));
  const from = { height: 14, width: 17 };

  it.each(['bilinear', 'bicubic'] as const)(
    'equals torch’s antialiased %s, larger and smaller (1e-5: float32)',
    (filter) => {
      for (const [name, to] of [
        ['up', { height: 28, width: 34 }],
        ['down', { height: 5, width: 6 }],
      ] as const) {
        const found = resizePlanes(planes, from, to, filter);
        const wanted = expected(`resize.${filter}.${name}`);
        expect(found).toHaveLength(wanted.length);
        // 17 columns to 6 of 14 rows to 5: the width that covers is 6 all the same.
        for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i])).toBeLessThan(1e-5);
      }
    },
  );

  it('keeps flat pictures flat', () => {
    const flat = new Float32Array(12).fill(0.3);
    for (const value of resizePlanes(flat, { height: 3, width: 4 }, { height: 7, width: 5 }, 'bicubic')) {
      expect(value).toBeCloseTo(0.3, 6);
    }
  });
});
