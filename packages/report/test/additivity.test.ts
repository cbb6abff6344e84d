import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../src/report.js';
import { reportJson } from '../src/report-json.js';
import { additivitySection } from '../src/sections/additivity.js';
import { sample } from './sample-report.js';

const additivity = {
  criterion: 'output-loss',
  subsets: [
    { units: ['a', 'b'], predicted: 0.25, measured: 0.5 },
    { units: ['a', 'c', 'd'], predicted: 1.5, measured: 2 },
  ],
  pearson: 0.98765,
  spearman: 1,
  others: [{ criterion: 'parameters', pearson: -0.5, spearman: null }],
};

describe('additivitySection', () => {
  it('shows a dot for every set, and every correlation', () => {
    const { document } = parseHTML(renderReport({ report: { ...sample, additivity } }));
    const section = document.querySelector('#additivity')!;
    expect(section.querySelectorAll('.wide circle')).toHaveLength(2);
    const [correlations, numbers] = [...section.querySelectorAll('table')].map((table) =>
      [...table.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent)),
    );
    expect(correlations).toEqual([
      ['output-loss', '0.988', '1.000'],
      ['parameters', '-0.500', 'does not vary'],
    ]);
    expect(numbers).toEqual([
      ['2', '0.2500', '0.5000'],
      ['3', '1.500', '2.000'],
    ]);
  });

  it('draws values that are no logarithms can be taken of', () => {
    const subsets = [...additivity.subsets, { units: ['c', 'd'], predicted: -0.1, measured: 0 }];
    const { markup } = additivitySection({ additivity: { ...additivity, subsets } })!.body;
    expect(markup).not.toMatch(/NaN|Infinity/);
    expect(markup.match(/<circle/g)).toHaveLength(6);
  });

  it('is left out where nothing was added up', () => {
    expect(additivitySection(sample)).toBeUndefined();
    expect(additivitySection({ additivity: { ...additivity, subsets: [] } })).toBeUndefined();
  });
});

it('report.json has it, or null', () => {
  expect(reportJson(sample).additivity).toBeNull();
  expect(reportJson({ ...sample, additivity }).additivity).toEqual(additivity);
});
