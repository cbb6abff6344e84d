import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { alwaysDense, sparsedm } from '../src/index.js';

it('the README lists every option with its default and values', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
  const options = Object.entries(sparsedm.schema().properties!);
  expect(rows.map((row) => row.split(' | ')[0])).toEqual(options.map(([name]) => `| \`${name}\``));
  options.forEach(([name, { default: fallback, enum: values }], i) => {
    const shown = name === 'dense' ? alwaysDense.join(',') : String(fallback);
    expect(rows[i], name).toContain(`| \`${shown}\` |`);
    for (const value of values ?? []) expect(rows[i]).toContain(`\`${value}\``);
  });
});
