import { describe, expect, it } from 'vitest';
import { globalRanking } from '../src/index.js';

describe('choiceSchema', () => {
  it('accepts one of the words', () =>
    expect(globalRanking({ normalize: 'none' }).options).toEqual({ normalize: 'none' }));
  it('refuses another and lists them', () => {
    const wrong = { normalize: 'median' } as never;
    expect(() => globalRanking(wrong)).toThrowError(
      expect.objectContaining({
        code: 'BAD_OPTION',
        field: 'normalize',
        message: expect.stringContaining('mean, none'),
      }),
    );
  });
  it('describes itself as JSON Schema', () => {
    expect(globalRanking.schema().properties).toMatchObject({ normalize: { enum: ['mean', 'none'], default: 'mean' } });
  });
});
