import { float32 } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';
import { type CleanBatch, type SampleStream, sampleSet } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { batchSource } from '../src/batch-source.js';

const five = sampleSet({ samples: float32([5, 1], [0, 1, 2, 3, 4]) });
const valuesOf = ({ samples }: CleanBatch) => Array.from(samples.data as Float32Array);

describe('batchSource of a set', () => {
  it('goes through a permutation, leaves the rest out, and draws the next', async () => {
    const generator = torchGenerator(0);
    const source = await batchSource(five, 2);
    const taken = [await source.next(generator), await source.next(generator), await source.next(generator)];
    const same = torchGenerator(0);
    const [first, second] = [same.randperm(5), same.randperm(5)];
    expect(taken.map(valuesOf)).toEqual([first.slice(0, 2), first.slice(2, 4), second.slice(0, 2)]);
  });
  it('goes on from a position', async () => {
    const generator = torchGenerator(0);
    const source = await batchSource(five, 2);
    await source.next(generator);
    const later = await batchSource(five, 2, source.position());
    expect(valuesOf(await later.next(generator))).toEqual(valuesOf(await source.next(generator)));
  });
  it('refuses fewer samples than a batch has', async () => {
    await expect(batchSource(five, 6)).rejects.toThrow('There are 5 samples; a batch has 6.');
  });
});

describe('batchSource of a stream', () => {
  const stream: SampleStream = {
    kind: 'stream',
    async *open() {
      yield { samples: float32([2, 1], [0, 1]) };
      yield { samples: float32([2, 1], [2, 3]) };
    },
    describe: async () => 'two batches',
  };
  it('begins anew at the end', async () => {
    const source = await batchSource(stream, 2);
    const taken = [];
    for (let i = 0; i < 3; i++) taken.push(valuesOf(await source.next(torchGenerator(0))));
    expect(taken).toEqual([
      [0, 1],
      [2, 3],
      [0, 1],
    ]);
  });
  it('skips what was taken', async () => {
    const source = await batchSource(stream, 2, { taken: 3, order: [], next: 0 });
    expect(valuesOf(await source.next(torchGenerator(0)))).toEqual([2, 3]);
  });
  it('refuses batches of another size and an empty stream', async () => {
    await expect((await batchSource(stream, 3)).next(torchGenerator(0))).rejects.toThrow('has 2 samples; 3 expected');
    const empty: SampleStream = { kind: 'stream', open: () => [], describe: async () => null };
    await expect((await batchSource(empty, 1)).next(torchGenerator(0))).rejects.toThrow('is empty');
  });
});
