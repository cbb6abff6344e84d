import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fpgm, lamp, magnitude, normScale, obd, random, taylor, wanda } from '../src/index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
const factories = [fpgm, lamp, magnitude, normScale, obd, random, taylor, wanda];

describe('the README', () => {
  it.each(factories.map((factory) => [factory.pluginName, factory] as const))(
    'lists %s with its spaces and options',
    (name, factory) => {
      const [, ofWeight] = rows
        .find((row) => row.startsWith(`| \`${name}\` |`))!
        .split(' | ')
        .slice(1);
      expect(ofWeight === 'no').toBe(factory().scoreTensor === undefined);
      const options = Object.entries(factory.schema().properties ?? {});
      for (const [option, { default: fallback, enum: values }] of options) {
        const row = rows.find(
          (line) => line.split(' | ')[0].includes(`\`${name}\``) && line.split(' | ')[1] === `\`${option}\``,
        );
        expect(row, `row of ${option}`).toContain(`| \`${fallback}\` |`);
        for (const value of values ?? []) if (option !== 'terms') expect(row).toContain(`\`${value}\``);
      }
      const documented = rows.filter(
        (line) => line.split(' | ')[0].includes(`\`${name}\``) && line.split(' | ').length === 4,
      );
      expect(documented).toHaveLength(options.length);
    },
  );
});
