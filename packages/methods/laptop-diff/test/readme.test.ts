import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { laptopDiff, outputLoss } from '../src/index.js';

it('the README lists every option with its default and values', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
  const options = Object.entries(laptopDiff.schema().properties!);
  expect(rows.map((row) => row.split(' | ')[0])).toEqual(options.map(([name]) => `| \`${name}\``));
  options.forEach(([name, { default: fallback, enum: values }], i) => {
    expect(rows[i], name).toContain(`| \`${fallback}\` |`);
    for (const value of values ?? []) expect(rows[i]).toContain(`\`${value}\``);
  });
  expect(Object.keys(outputLoss.schema().properties!)).toEqual(options.slice(2).map(([name]) => name));
});
