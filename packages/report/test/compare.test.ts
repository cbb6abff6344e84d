import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderCompare } from '../src/compare.js';
import { renderReport } from '../src/report.js';
import { fakePng, hostile, sample } from './sample-report.js';

const models = [
  { name: 'dense', cost: sample.before, metrics: { ssim: 1 }, pictures: [{ label: 'seed 7', png: fakePng(8, 8) }] },
  {
    name: 'pruned',
    cost: sample.after,
    metrics: { ssim: 0.912345 },
    pictures: [{ label: 'seed 7', png: fakePng(8, 8) }],
    differences: [{ timestep: 10, error: 0.3 }],
  },
  { name: hostile[0]!, cost: { ...sample.after, latency: undefined } },
];

describe('renderCompare', () => {
  it('puts models side by side against the first', () => {
    const page = renderCompare({ models });
    const { document } = parseHTML(page);
    const rows = [...document.querySelectorAll('#table tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => (cell.textContent ?? '').replace(/\u00a0/g, ' ')),
    );
    expect(rows[0]).toEqual(['35.7 M', '19.9 M (−44.5 %)', '19.9 M (−44.5 %)']);
    expect(rows[4]).toEqual(['200 ms', '120 ms (−40.0 %)', '—']);
    expect(rows[5]).toEqual(['1.000', '0.9123', '—']);
    expect(document.querySelectorAll('#pictures img')).toHaveLength(2);
    expect(document.querySelector('#differences')?.textContent).toContain('0.300 at t = 10');
    expect(document.querySelectorAll('script')).toHaveLength(0);
  });

  it('fits into a report, under anchors of its own', () => {
    const { document } = parseHTML(renderReport({ report: sample, compare: { models } }));
    expect(document.querySelector('section#compare-table')).not.toBeNull();
    const all = [...document.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses a single model', () => {
    expect(() => renderCompare({ models: models.slice(0, 1) })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });
});
