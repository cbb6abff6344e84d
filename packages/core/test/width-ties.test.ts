import { describe, expect, it } from 'vitest';
import { planTies } from '../src/index.js';
import { fakeCoupling, fakeGroup } from './support/fake-coupling.js';

const [a, b, c] = [fakeGroup('a', 8), fakeGroup('b', 4), fakeGroup('c', 4)];
const coupling = fakeCoupling([a, b, c]);
const tie = (steps: number) => ({
  name: 'stage 1',
  steps,
  groups: [
    { id: 'a', cells: 2 },
    { id: 'b', cells: 1 },
  ],
});

describe('planTies', () => {
  it('makes one component of every tie, in its steps, and leaves the rest whole', () => {
    const plan = planTies(coupling, { ties: [tie(2)], fixed: new Map() });
    expect(plan.cells.get('a')).toMatchObject({ sizes: [4, 4], steps: 2, component: 0, normed: true, tied: true });
    expect(plan.cells.get('b')).toMatchObject({ sizes: [4], steps: 2, component: 0, normed: false, tied: true });
    expect([...plan.leftWhole]).toEqual([['c', 'the configuration has no field for its width']]);
  });
  it('keeps the reason given for a group', () => {
    const plan = planTies(coupling, { ties: [tie(2)], fixed: new Map([['c', 'fixed by the class']]) });
    expect(plan.leftWhole.get('c')).toBe('fixed by the class');
  });
  it('refuses steps that do not divide the cells', () => {
    expect(() => planTies(coupling, { ties: [tie(3)], fixed: new Map() })).toThrowError(
      expect.objectContaining({ code: 'CANNOT_PRUNE', field: 'a' }),
    );
  });
});
