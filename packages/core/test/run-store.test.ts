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
    for (const order of [
      [1, 2, 2],
      [2, 1, 2],
    ]) {
      const journal = await RunJournal.open(memoryRunStore(), 'run');
      for (const next of order) await journal.save(state(next));
      heads.push(journal.head);
    }
    expect(heads[0]).not.toBe(heads[1]);
  });
  it('waits for the fingerprint only to write a record and to compare with one', async () => {
    const store = memoryRunStore();
    const first = await RunJournal.open(store, new Promise<string>(() => {}));
    expect(first.resumed).toBeUndefined();
    await (await RunJournal.open(store, Promise.resolve('run'))).save(state(1));
    expect((await RunJournal.open(store, Promise.resolve('run'))).resumed).toEqual(state(1));
    const failed = Promise.reject(new Error('unreadable'));
    await expect(RunJournal.open(store, failed)).rejects.toThrow('unreadable');
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
  it.each([0, 3, 63, 64, 66, 90])('starts afresh from the first %i bytes of a record', async (length) => {
    const store = memoryRunStore();
    await (await RunJournal.open(store, 'run')).save(state(1));
    await store.save('state', (await store.load('state'))!.slice(0, length));
    expect((await RunJournal.open(store, 'run')).resumed).toBeUndefined();
  });
  it('reads tensors of every width wherever they lie', async () => {
    const store = memoryRunStore();
    const tensors = {
      odd: { dtype: 'uint8' as const, shape: [3], data: Uint8Array.of(1, 2, 3) },
      wide: { dtype: 'float64' as const, shape: [1, 2], data: Float64Array.of(Math.PI, -0) },
      none: { dtype: 'int64' as const, shape: [0], data: new BigInt64Array(0) },
    };
    await (await RunJournal.open(store, 'run')).save({ value: null, tensors });
    expect((await RunJournal.open(store, 'run')).resumed).toEqual({ value: null, tensors });
  });
  it('is due when the interval has passed since the last record', async () => {
    const always = await RunJournal.open(memoryRunStore(), 'run', { everyMs: 0 });
    const never = await RunJournal.open(memoryRunStore(), 'run', { everyMs: Number.POSITIVE_INFINITY });
    expect([always.isDue(), never.isDue()]).toEqual([true, false]);
    const daily = await RunJournal.open(memoryRunStore(), 'run', { everyMs: 86_400_000 });
    await daily.save(state(1));
    expect(daily.isDue()).toBe(false);
  });
  it('forgets a run that is over', async () => {
    const store = memoryRunStore();
    const journal = await RunJournal.open(store, 'run');
    await journal.save(state(1));
    await journal.close();
    expect(await store.load('state')).toBeUndefined();
  });
});
