import type { GroupReport } from '@secateur/core';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../src/report.js';
import { groupsInside, layersSection } from '../src/sections/layers.js';
import { summarize } from '../src/summary.js';
import { bare, group, sample } from './sample-report.js';

const layer = (id: string, kept: 0 | 1, tensors: string[], kind = 'layer'): GroupReport => ({
  ...{ id, kind, size: 1, kept, removed: kept === 0 ? [[0, 1]] : [], tensors },
});
const removed = [
  layer('mid_block', 0, ['mid_block.attentions.0.to_q.weight', 'mid_block.attentions.0.to_q.bias'], 'block'),
  layer('up_blocks.0.resnets.0', 1, ['up_blocks.0.resnets.0.conv1.weight']),
];
const report = { ...sample, groups: [...sample.groups, ...removed] };

describe('layersSection', () => {
  it('lists what went, with its tensors, and counts what stayed', () => {
    const { document } = parseHTML(renderReport({ report }));
    const section = document.querySelector('#layers')!;
    expect([...section.querySelectorAll('tbody > tr')].map((row) => row.textContent)).toEqual([
      expect.stringMatching(/^mid_block.*to_q\.weight.*to_q\.bias.*block2$/),
    ]);
    expect(section.textContent).toContain('1 more could have gone and stayed.');
  });

  it('is left out where no layer went', () => {
    expect(layersSection(sample)).toBeUndefined();
    expect(layersSection({ groups: [removed[1]] })).toBeUndefined();
  });
});

describe('groupsInside', () => {
  it('leaves out layers and groups whose tensors all went with one', () => {
    expect(groupsInside(report.groups).map(({ id }) => id)).toEqual([
      'conv_in.weight:0',
      'down_blocks.0.resnets.0.conv1.weight:0',
    ]);
  });
});

describe('summarize', () => {
  it('says that layers were named', () => {
    const named = { ...bare, method: { name: 'remove', options: {} }, groups: [group('conv_in.weight:0', [1, 2])] };
    expect(summarize({ ...named, groups: [...named.groups, removed[0]] })).toMatch(/^Removing a layer by name took/);
    expect(summarize({ ...named, groups: [removed[0], removed[0]] })).toMatch(/^Removing 2 layers by name took/);
  });
});
