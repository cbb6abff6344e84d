import { expect, it } from 'vitest';
import { describeEngine } from '../src/index.js';

it('fits one line', () => {
  expect(describeEngine({ library: 'lib 1.0', providers: ['cpu'] })).toBe('lib 1.0, cpu, default threads');
  expect(describeEngine({ library: 'lib', providers: [{ name: 'cuda' }, 'cpu'], threads: 1 })).toBe(
    'lib, cuda+cpu, 1 thread',
  );
});
