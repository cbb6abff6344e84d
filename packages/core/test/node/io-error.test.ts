import { SecateurError } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { ioError, systemCode } from '../../src/node/io-error.js';

describe('ioError', () => {
  it('says in words what the system said by code', () => {
    const error = ioError(Object.assign(new Error('ENOENT: …'), { code: 'ENOENT' }), 'model');
    expect(error).toMatchObject({ code: 'IO', file: 'model', message: 'model does not exist.' });
  });

  it('keeps the words of what it does not know, and our own errors', () => {
    expect(ioError(new Error('odd'), 'x').message).toBe('x failed: odd.');
    const own = new SecateurError('EXISTS', 'there');
    expect(ioError(own, 'x')).toBe(own);
    expect(systemCode('text')).toBeUndefined();
  });
});
