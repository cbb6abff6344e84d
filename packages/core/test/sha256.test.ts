import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource, Sha256, sha256, sha256Source } from '../src/index.js';

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('sha256', () => {
  it("gives the standard's example", async () => {
    const abc = new TextEncoder().encode('abc');
    expect(await sha256(abc)).toBe(ABC);
    expect(new Sha256().update(abc).hex()).toBe(ABC);
    expect(await sha256Source(bytesSource('x', abc))).toBe(ABC);
  });

  it("piece by piece equals node's, for any pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (pieces) => {
        const ours = new Sha256();
        const theirs = createHash('sha256');
        for (const piece of pieces) {
          ours.update(piece);
          theirs.update(piece);
        }
        expect(ours.hex()).toBe(theirs.digest('hex'));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('lengths around the padding boundary', () => {
    for (let length = 50; length < 130; length++) {
      const bytes = new Uint8Array(length).fill(length);
      expect(new Sha256().update(bytes).hex()).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });
});

describe('sha256Source', () => {
  it('hashes a source of more than 64 MiB piece by piece', async () => {
    const size = 65 * 2 ** 20;
    let largest = 0;
    const source = {
      name: 'x',
      size,
      read: async (_offset: number, length: number) => {
        largest = Math.max(largest, length);
        return new Uint8Array(length);
      },
    };
    expect(await sha256Source(source)).toBe(createHash('sha256').update(new Uint8Array(size)).digest('hex'));
    expect(largest).toBeLessThanOrEqual(8 * 2 ** 20);
  });

  it("uses the source's own way where it has one, and stops when aborted", async () => {
    const source = { ...bytesSource('x', new Uint8Array(1)), sha256: async () => 'own' };
    expect(await sha256Source(source)).toBe('own');
    const signal = AbortSignal.abort();
    await expect(sha256Source(bytesSource('x', new Uint8Array(1)), { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});
