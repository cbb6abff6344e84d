import { SecateurError } from '@secateur/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../src/index.js';

const parse = (json: string | Uint8Array, maxDepth?: number): unknown => parseJson(json, { file: 'x.json', maxDepth });

describe('parseJson', () => {
  it('gives what JSON.parse gives, for any value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (json) => {
        expect(parse(new TextEncoder().encode(json))).toEqual(JSON.parse(json));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('any text gives a value or BAD_FILE', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '"a"', '1', ' ', 'null', '"\\u0061"');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SecateurError);
          expect(error).toMatchObject({ code: 'BAD_FILE', file: 'x.json' });
        }
      }),
      { seed: 2, numRuns: 5000 },
    );
  });

  it.each(['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{"c":[],"d":"}","c":1}}]', '{"\\\\":1,"\\\\":2}'])(
    'refuses a key twice: %s',
    (json) => {
      expect(() => parse(json)).toThrow(/twice/);
    },
  );

  it.each(['[{"a":1},{"a":2}]', '{"a":{"a":"a"}}', '{"a":["a","a"]}', '{"a\\"":1,"a":"a\\\\"}'])(
    'takes the same text in other places: %s',
    (json) => {
      expect(parse(json)).toEqual(JSON.parse(json));
    },
  );

  it('counts depth by open brackets, and not those inside text', () => {
    expect(parse('[[["[[[["]]]', 3)).toEqual([[['[[[[']]]);
    expect(() => parse('[[[[]]]]', 3)).toThrow(/deeper than 3/);
    expect(() => parse('['.repeat(1e6))).toThrow(/deeper than 64/);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parse(Uint8Array.of(0x22, 0xc3, 0x22))).toThrow(/UTF-8/);
  });
});
