import type { ErrorCode, SecateurError } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { parseHeader } from '../src/header.js';

const parse = (json: string, dataBytes = 0): ReturnType<typeof parseHeader> =>
  parseHeader(new TextEncoder().encode(json), 'x.safetensors', dataBytes);

const entry = (fields: { dtype?: unknown; shape?: unknown; data_offsets?: unknown } = {}): string =>
  JSON.stringify({ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24], ...fields });

describe('parseHeader', () => {
  it('orders tensors by their bytes and keeps the metadata', () => {
    const header = parse(
      `{"__metadata__":{"format":"pt"},"b":${entry({ data_offsets: [24, 48] })},"a":${entry()},"z":${entry({ shape: [0], data_offsets: [24, 24] })}}   `,
      48,
    );
    expect(header.metadata).toEqual({ format: 'pt' });
    expect(header.entries.map(({ name, begin, end }) => [name, begin, end])).toEqual([
      ['a', 0, 24],
      ['z', 24, 24],
      ['b', 24, 48],
    ]);
  });

  it('takes any name, also those that objects treat specially', () => {
    const names = ['__proto__', 'constructor', '1', 'a"\\b', '\u{1F600}'];
    const fields = names.map((name) => `${JSON.stringify(name)}:${entry({ shape: [0], data_offsets: [0, 0] })}`);
    expect(new Set(parse(`{${fields}}`).entries.map(({ name }) => name))).toEqual(new Set(names));
  });

  const refused: [why: string, json: string, dataBytes: number, code: ErrorCode, words: RegExp][] = [
    ['not JSON', '{"a":', 0, 'BAD_FILE', /JSON/],
    ['not an object', '[]', 0, 'BAD_FILE', /does not begin/],
    ['leading space', ' {}', 0, 'BAD_FILE', /does not begin/],
    ['a key twice', `{"a":${entry()},"a":${entry()}}`, 24, 'BAD_FILE', /"a" twice/],
    ['a key twice, escaped', `{"a":${entry()},"\\u0061":${entry()}}`, 24, 'BAD_FILE', /"a" twice/],
    ['depth', `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 0, 'BAD_FILE', /deeper than 16/],
    ['an empty name', `{"":${entry()}}`, 24, 'BAD_FILE', /empty name/],
    ['no description', '{"a":null}', 0, 'BAD_FILE', /described by null/],
    ['metadata that is not text', '{"__metadata__":{"a":1}}', 0, 'BAD_FILE', /not text/],
    ['metadata that is a list', '{"__metadata__":[]}', 0, 'BAD_FILE', /__metadata__/],
    ['no dtype', `{"a":${entry({ dtype: 5 })}}`, 24, 'BAD_FILE', /dtype 5/],
    ['an unknown dtype', `{"a":${entry({ dtype: 'Q4' })}}`, 24, 'UNKNOWN_DTYPE', /"Q4"/],
    ['an 8-bit float', `{"a":${entry({ dtype: 'F8_E4M3' })}}`, 24, 'UNKNOWN_DTYPE', /fewer than 16 bits/],
    ['no shape', `{"a":${entry({ shape: undefined })}}`, 24, 'BAD_FILE', /shape nothing/],
    ['a negative dimension', `{"a":${entry({ shape: [-2, -3] })}}`, 24, 'BAD_FILE', /dimension -2/],
    ['a fractional dimension', `{"a":${entry({ shape: [1.5, 4] })}}`, 24, 'BAD_FILE', /dimension 1.5/],
    ['a huge dimension', `{"a":${entry({ shape: [2 ** 53] })}}`, 24, 'BAD_FILE', /9007199254740992/],
    ['overflow', `{"a":${entry({ shape: [2 ** 40, 2 ** 40] })}}`, 24, 'BAD_FILE', /more than 2\^53/],
    [
      'overflow behind a zero',
      `{"a":${entry({ shape: [0, 2 ** 40, 2 ** 40], data_offsets: [0, 0] })}}`,
      0,
      'BAD_FILE',
      /2\^53/,
    ],
    [
      'too many axes',
      `{"a":${entry({ shape: new Array(65).fill(1), data_offsets: [0, 4] })}}`,
      4,
      'BAD_FILE',
      /65 axes/,
    ],
    [
      'a range of the wrong size',
      `{"a":${entry({ data_offsets: [0, 20] })}}`,
      20,
      'BAD_FILE',
      /needs 24 bytes.*hold 20/,
    ],
    ['offsets past the end', `{"a":${entry()}}`, 23, 'BAD_FILE', /<= 23/],
    ['offsets reversed', `{"a":${entry({ data_offsets: [24, 0] })}}`, 24, 'BAD_FILE', /\[24,0\]/],
    ['three offsets', `{"a":${entry({ data_offsets: [0, 24, 24] })}}`, 24, 'BAD_FILE', /\[0,24,24\]/],
    ['overlap', `{"a":${entry()},"b":${entry({ data_offsets: [20, 44] })}}`, 44, 'BAD_FILE', /overlap/],
    ['shared bytes', `{"a":${entry()},"b":${entry()}}`, 24, 'BAD_FILE', /overlap/],
    [
      'a hole',
      `{"a":${entry()},"b":${entry({ data_offsets: [28, 52] })}}`,
      52,
      'BAD_FILE',
      /4 bytes before tensor "b"/,
    ],
    ['trailing bytes', `{"a":${entry()}}`, 25, 'BAD_FILE', /last 1 bytes/],
  ];
  it.each(refused)('refuses %s', (_why, json, dataBytes, code, words) => {
    let error: SecateurError | undefined;
    try {
      parse(json, dataBytes);
    } catch (caught) {
      error = caught as SecateurError;
    }
    expect(error).toMatchObject({ name: 'SecateurError', code, file: 'x.safetensors' });
    expect(error?.message).toMatch(words);
    expect(error?.message.length).toBeLessThan(500);
    expect(error?.hint).toBeTruthy();
  });

  it('parses the header of an SDXL-sized checkpoint (2,500 tensors) in well under 50 ms', () => {
    const fields = Array.from({ length: 2500 }, (_, i) => {
      const offsets = [i * 24, i * 24 + 24];
      return `"down_blocks.${i}.attentions.0.transformer_blocks.0.attn1.to_q.weight":${entry({ data_offsets: offsets })}`;
    });
    const json = new TextEncoder().encode(`{${fields}}`);
    // The best of five: the machine may be busy with something else.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(parseHeader(json, 'x.safetensors', 60_000).entries).toHaveLength(2500);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});
