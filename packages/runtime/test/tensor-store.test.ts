import { type Constant, constantOf, float32, type Tensor } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { createTensorStore } from '../src/index.js';

/** Two float32 values, 8 bytes, that are read anew every time; counts the reads. */
function lazy(a: number, b: number): Constant & { reads: number } {
  const constant = {
    dtype: 'float32' as const,
    shape: [2],
    reads: 0,
    read: async (): Promise<Tensor> => {
      constant.reads++;
      return float32([2], [a, b]);
    },
  };
  return constant;
}

const add1 = (data: Tensor['data']): void => {
  for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! += 1;
};

describe('createTensorStore', () => {
  it('reads a constant once, also for readers at the same time', async () => {
    const store = createTensorStore();
    const source = lazy(1, 2);
    const handle = store.add('w', source);
    expect([handle.byteLength, store.residentBytes]).toEqual([8, 0]);
    const [a, b] = await Promise.all([store.read(handle), store.read(handle)]);
    expect(b).toBe(a);
    expect([await store.read(handle), source.reads, store.residentBytes]).toEqual([float32([2], [1, 2]), 1, 8]);
  });

  it('drops the least recently used values when the budget is short, and reads them again', async () => {
    const store = createTensorStore({ budgetBytes: 16 });
    const sources = [lazy(1, 1), lazy(2, 2), lazy(3, 3)];
    const [a, b, c] = sources.map((source, i) => store.add(`w${i}`, source));
    await store.read(a!);
    await store.read(b!);
    await store.read(a!);
    await store.read(c!);
    expect(store.residentBytes).toBe(16);
    await store.read(a!);
    expect(sources.map((source) => source.reads)).toEqual([1, 1, 1]);
    expect(await store.read(b!)).toEqual(float32([2], [2, 2]));
    expect(sources.map((source) => source.reads)).toEqual([1, 2, 1]);
  });

  it('updates in place, without touching the source', async () => {
    const store = createTensorStore();
    const source = constantOf(float32([2], [1, 2]));
    const handle = store.add('w', source);
    expect(await store.read(handle)).toBe(source.value);
    expect(store.residentBytes).toBe(0);
    await Promise.all([store.update(handle, add1), store.update(handle, add1)]);
    const updated = await store.read(handle);
    expect(updated).toEqual(float32([2], [3, 4]));
    await store.update(handle, add1);
    expect([...updated.data]).toEqual([4, 5]);
    expect([...source.value!.data]).toEqual([1, 2]);
    expect(await store.constant(handle).read()).toBe(updated);
    expect([store.residentBytes, store.evict(handle)]).toEqual([8, false]);
  });

  it('says when updated tensors fill the budget', async () => {
    const store = createTensorStore({ budgetBytes: 20 });
    const sums = store.allocate('sums', 'float64', [2]);
    const handle = store.add('w', lazy(1, 2));
    await expect(store.read(handle)).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'budgetBytes' });
    expect(() => store.allocate('more', 'float32', [2])).toThrow(/needs 8 bytes; the budget is 20, of which 16/);
    store.remove(sums);
    expect(await store.read(handle)).toEqual(float32([2], [1, 2]));
    expect(store.handles).toEqual([expect.objectContaining({ name: 'w' })]);
  });

  it('evicts on request', async () => {
    const store = createTensorStore();
    const source = lazy(1, 2);
    const handle = store.add('w', source);
    expect(store.evict(handle)).toBe(false);
    await store.read(handle);
    expect([store.evict(handle), store.residentBytes]).toEqual([true, 0]);
    await store.read(handle);
    expect(source.reads).toBe(2);
  });

  it('refuses a name twice and names it has not', () => {
    const store = createTensorStore();
    store.add('w', lazy(1, 2));
    expect(() => store.add('w', lazy(1, 2))).toThrow(expect.objectContaining({ code: 'NAME_CLASH' }));
    expect(() => store.handle('v')).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
