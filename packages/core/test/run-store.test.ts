import { describe, expect, it } from 'vitest';
import { memoryRunStore, RunJournal } from '../src/index.js';

const state = (next: number) => ({
  value: { next },
  tensors: { sum: { dtype: 'float32' as const, shape: [2], data: Float32Array.of(next, 0.1) } },
});

describe('RunJournal', () => {
  it('takes a run of the same fingerprint up where it was left', async () => {
    const store = memoryRunStore();
    const first = await RunJournal.open(store, 'run');
    expect(first.resumed).toBeUndefined();
    await first.save(state(1));
    await first.save(state(2));
    const second = await RunJournal.open(store, 'run');
    expect(second.resumed).toEqual(state(2));
    expect(second.head).toBe(first.head);
  });
  it('chains records: the same states in another order end in another hash', async () => {
    const heads = [];
    for (const order of [[1, 2, 2], [2, 1, 2]]) {
      const journal = await RunJournal.open(memoryRunStore(), 'run');
      for (const next of order) await journal.save(state(next));
      heads.push(journal.head);
    }
    expect(heads[0]).not.toBe(heads[1]);
  });
  it('starts afresh for another fingerprint', async () => {
    const store = memoryRunStore();
    await (await RunJournal.open(store, 'run')).save(state(1));
    expect((await RunJournal.open(store, 'another')).resumed).toBeUndefined();
  });
  it('starts afresh when a byte of the record changed', async () => {
    const store = memoryRunStore();
    await (await RunJournal.open(store, 'run')).save(state(1));
    const bytes = (await store.load('state'))!.slice();
    bytes[bytes.length - 1] ^= 1;
    await store.save('state', bytes);
    expect((await RunJournal.open(store, 'run')).resumed).toBeUndefined();
  });
});
