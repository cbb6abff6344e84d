import { expect, it } from 'vitest';
import {
  bytes,
  change,
  compactNumber,
  milliseconds,
  percent,
  share,
  significant,
  wholeNumber,
} from '../src/format-numbers.js';

const plain = (text: string): string => text.replace(/\u00a0/g, ' ');

it.each([
  [wholeNumber(35_746_307), '35,746,307'],
  [compactNumber(9_999), '9,999'],
  [compactNumber(35_746_307), '35.7 M'],
  [compactNumber(999_600), '1 M'],
  [compactNumber(6_053_953_536), '6.05 G'],
  [bytes(512), '512 B'],
  [bytes(15_757_572), '15.8 MB'],
  [milliseconds(48.28), '48.3 ms'],
  [milliseconds(1240), '1.24 s'],
  [percent(0.5563), '55.6 %'],
  [share(1), '100 %'],
  [share(0.99999), 'more than 99.99 %'],
  [share(0.99), '99.00 %'],
  [change(200, 120), '−40.0 %'],
  [change(100, 103), '+3.0 %'],
  [change(5, 5), 'no change'],
  [change(0, 5), '—'],
  [significant(0.051234), '0.0512'],
  [significant(1234.5), '1,235'],
  [significant(-2.5), '−2.50'],
  [significant(0.0000213), '2.1 × 10⁻⁵'],
  [significant(0), '0'],
])('writes %s', (actual, expected) => {
  expect(plain(actual)).toBe(expected);
});
