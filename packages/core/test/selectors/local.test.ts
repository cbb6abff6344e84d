import { expect, it } from 'vitest';
import { localRanking } from '../../src/index.js';
import { fakeContext, fakeCoupling, fakeGroup } from '../support/fake-coupling.js';

const coupling = fakeCoupling([fakeGroup('a', 4), fakeGroup('b', 6)]);
const scores = { a: [4, 1, 3, 2], b: [0.1, 0.1, 0.1, 9, 9, 9] };

it('takes the same share of every group, ties by index', async () => {
  const removal = await localRanking().select(fakeContext(coupling, scores));
  expect(Object.fromEntries(removal)).toEqual({ a: [1, 3], b: [0, 1, 2] });
});
it('takes more of the same as the ratio grows', async () => {
  let before = new Map<string, readonly number[]>();
  for (const ratio of [0, 0.2, 0.4, 0.6, 0.8]) {
    const removal = await localRanking().select(fakeContext(coupling, scores, { budget: { kind: 'ratio', ratio } }));
    for (const [id, units] of before) expect(removal.get(id)).toEqual(expect.arrayContaining([...units]));
    before = new Map(removal);
  }
  expect(before.get('a')).toEqual([1, 2, 3]);
});
