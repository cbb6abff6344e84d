import { describe, expect, it } from 'vitest';
import { SecateurError, throwIfAborted } from '../src/index.js';

describe('SecateurError', () => {
  it('carries code, place, hint and cause', () => {
    const cause = new Error('disk');
    const error = new SecateurError('IO', 'Cannot write.', {
      file: 'out',
      field: 'w',
      plugin: 'p',
      hint: 'Free some space.',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect({ ...error }).toMatchObject({ code: 'IO', file: 'out', field: 'w', plugin: 'p', hint: 'Free some space.' });
    expect([error.name, error.message, error.cause]).toEqual(['SecateurError', 'Cannot write.', cause]);
  });

  it('has no cause unless given one', () => {
    expect('cause' in new SecateurError('IO', 'x')).toBe(false);
  });
});

describe('throwIfAborted', () => {
  it('throws once the signal has fired, with its reason', () => {
    const controller = new AbortController();
    throwIfAborted(undefined);
    throwIfAborted(controller.signal);
    controller.abort('tired');
    expect(() => throwIfAborted(controller.signal)).toThrow(
      expect.objectContaining({ code: 'ABORTED', cause: 'tired' }),
    );
  });
});
