import { expect, it } from 'vitest';
import {
  choiceField,
  type Field,
  flagField,
  numberField,
  numbersField,
  offField,
  optionalField,
  readFields,
  wholeField,
} from '../src/config-fields.js';

it('fills in what is absent', () => {
  const fields = { steps: wholeField(3, 0, 9), name: choiceField('a', ['a', 'b']) };
  expect(readFields({ name: 'b', other: 1 }, fields)).toEqual({ steps: 3, name: 'b' });
});

it.each<[string, Field<unknown>, unknown[], unknown[]]>([
  ['number', numberField(0, 0, 1), [0, 0.5, 1], [-0.1, 1.1, '0', null, Number.NaN]],
  ['whole', wholeField(0, 0, 9), [0, 9], [10, 0.5, '1']],
  ['flag', flagField(false), [true, false], ['true', 1]],
  ['choice', choiceField('a', ['a', 'b']), ['b'], ['c', null, 1]],
  ['optional', optionalField(numberField(0, 0, 1)), [null, 0.5], [2]],
  ['numbers', numbersField(0, 1), [[], [0, 1]], [[2], ['0'], 'x']],
  ['off', offField(false), [false], [true]],
])('%s fields take these values and refuse those with BAD_CONFIG', (_, field, good, bad) => {
  for (const value of good) expect(field.read(value, 'x')).toEqual(value);
  for (const value of bad) {
    expect(() => field.read(value, 'x')).toThrow(expect.objectContaining({ code: 'BAD_CONFIG', field: 'x' }));
  }
});

it('takes null for false, as Python does', () => {
  expect(flagField(true).read(null, 'x')).toBe(false);
});
