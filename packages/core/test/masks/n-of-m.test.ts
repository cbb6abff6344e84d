import { sizeOf } from '@secateur/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isKept } from '../../src/index.js';
import { keepNofMByKeys } from '../../src/masks/n-of-m.js';
import { keysOfScores } from '../../src/masks/rank-keys.js';
import { removedNofM } from '../support/sorted-selection.js';

/** Few different values, so that ties are frequent, of both signs, with both zeros. */
const score = fc.constantFrom(-3, -0.5, -0, 0, 0.25, 0.5, 1, 2, 1e30, -1e30, 1e-40);

it('keeps what sorting every run keeps, whatever the axis and however few keys are held (property)', () => {
  const pattern = fc.constantFrom([2, 4], [1, 2], [1, 3], [4, 8], [2, 5]);
  const shape = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shape, fc.nat(), pattern, fc.integer({ min: 1, max: 70 }), fc.gen(), (dims, at, [n, m], held, gen) => {
      const axis = at % dims.length;
      const scores = Float32Array.from({ length: sizeOf(dims) }, () => gen(() => score));
      const mask = keepNofMByKeys(dims, axis, keysOfScores(scores), n!, m!, held);
      const removed = [...scores.keys()].filter((element) => !isKept(mask, element));
      expect(removed).toEqual(removedNofM(dims, axis, scores, n!, m!));
    }),
    { seed: 1, numRuns: 300 },
  );
});

it('gives an empty mask for an empty tensor', () => {
  expect(keepNofMByKeys([0, 4], 1, keysOfScores(new Float32Array(0)), 2, 4).bits).toHaveLength(0);
});
