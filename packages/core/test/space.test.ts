import { couple } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import {
  blocks,
  branches,
  channels,
  elements,
  groupOfId,
  groupsOfKinds,
  heads,
  layers,
  modulations,
  neurons,
  nOfM,
  pairs,
  parseSpace,
  spaceNames,
} from '../src/index.js';
import { deepModel } from './support/deep-model.js';

describe('parseSpace', () => {
  it('reads every name', () => {
    const all = [channels, heads, neurons, modulations, layers, blocks, branches, pairs, elements, nOfM(2, 4)];
    expect(spaceNames.map(parseSpace)).toEqual(all);
    expect(parseSpace('1:8')).toEqual({ kind: 'elements', name: '1:8', pattern: { kind: 'n:m', n: 1, m: 8 } });
  });
  it('reads several names', () => {
    const units = ['head', 'neuron', 'modulation'];
    expect(parseSpace('heads, neurons,modulations')).toEqual({
      kind: 'units',
      name: 'heads,neurons,modulations',
      units,
    });
    expect(parseSpace('layers,blocks')).toEqual({ kind: 'units', name: 'layers,blocks', units: ['layer', 'block'] });
    expect(parseSpace('branches,pairs')).toMatchObject({ units: ['layer', 'block', 'pair'], outermost: true });
  });
  it.each(['layers!', '4:2', ':', '2:4:8', '', 'heads,layers', 'heads,elements', 'branches,layers'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseSpace(text)).toThrowError(expect.objectContaining({ code: 'BAD_OPTION', field: 'space' }));
    },
  );
});

describe('groupsOfKinds', () => {
  const coupling = couple(deepModel().graph);
  const ids = (...args: [Parameters<typeof groupsOfKinds>[1], 'shortcut' | 'pass']) =>
    groupsOfKinds(coupling, ...args).map(({ id }) => id);

  it('takes one unit for every layer, by treatment', () => {
    const four = ['blocks.0.a', 'blocks.0.b', 'blocks.1.a', 'blocks.1.b'];
    expect(ids(['layer'], 'shortcut')).toEqual([...four, 'up']);
    expect(ids(['layer'], 'pass')).toEqual([...four, 'up:pass']);
    expect(ids(['block'], 'pass')).toEqual(['blocks.0', 'blocks.1']);
  });

  it('finds any group by its id', () => {
    expect(['first.weight:0', 'blocks.1', 'up:pass', 'nothing'].map((id) => groupOfId(coupling, id)?.kind)).toEqual([
      'channel',
      'block',
      'layer',
      undefined,
    ]);
  });
});
