import { expect, it } from 'vitest';
import { parsePythonJson } from '../../src/format/python-json.js';

const parse = (text: string) => parsePythonJson(new TextEncoder().encode(text), { file: 'x.json' });

it('reads the numbers that Python writes and JSON has not, and leaves strings alone', () => {
  expect(parse('{"a": -Infinity, "b": [Infinity, NaN, 1], "c": "-Infinity \\" NaN"}')).toEqual({
    a: Number.NEGATIVE_INFINITY,
    b: [Number.POSITIVE_INFINITY, null, 1],
    c: '-Infinity " NaN',
  });
  expect(parse('{"a": 1}')).toEqual({ a: 1 });
});

it('refuses what is no JSON', () => {
  for (const text of ['{"a": Infinityy}', '{"a": -NaN}', '{"a": Infinity', '{a: NaN}']) {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'BAD_FILE', file: 'x.json' }));
  }
});
