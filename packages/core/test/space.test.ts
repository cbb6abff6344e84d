import { describe, expect, it } from 'vitest';
import { channels, elements, heads, nOfM, parseSpace, spaceNames } from '../src/index.js';

describe('parseSpace', () => {
  it('reads every name', () => {
    expect(spaceNames.map(parseSpace)).toEqual([channels, heads, elements, nOfM(2, 4)]);
    expect(parseSpace('1:8')).toEqual({ kind: 'elements', name: '1:8', pattern: { kind: 'n:m', n: 1, m: 8 } });
  });
  it.each(['layers!', '4:2', ':', '2:4:8', ''])('refuses "%s"', (text) => {
    expect(() => parseSpace(text)).toThrowError(expect.objectContaining({ code: 'BAD_OPTION', field: 'space' }));
  });
});
