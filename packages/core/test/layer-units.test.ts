import { couple } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { blocks, branches, isInside, layers, type TreatmentChoice, unitsOfSpace } from '../src/index.js';
import { deepModel } from './support/deep-model.js';

const coupling = couple(deepModel().graph);

const ids = (space: typeof layers, treatment?: TreatmentChoice): string[] =>
  space.kind === 'units' ? unitsOfSpace(coupling, space, treatment).map(({ id }) => id) : [];

describe('unitsOfSpace', () => {
  const four = ['blocks.0.a', 'blocks.0.b', 'blocks.1.a', 'blocks.1.b'];

  it('gives every layer once, by treatment', () => {
    expect(ids(layers)).toEqual([...four, 'up']);
    expect(ids(layers, 'pass')).toEqual([...four, 'up:pass']);
    expect(ids(blocks, 'pass')).toEqual(['blocks.0', 'blocks.1']);
  });

  it('takes branches that lie in no other, and no blocks made of them', () => {
    expect(ids(branches)).toEqual([...four, 'up']);
  });

  it('in pairs: what changes its width goes with the layer that made the skip, or not at all', () => {
    // Only `first` makes a skip, and it is no layer: there is no pair.
    expect(ids(layers, 'pairs')).toEqual(four);
  });
});

it('isInside compares layers', () => {
  const of = (...names: string[]) => ({ layers: names });
  expect([isInside(of('a'), of('a', 'b')), isInside(of('a', 'c'), of('a', 'b')), isInside(of('a'), of('a'))]).toEqual([
    true,
    false,
    true,
  ]);
});
