import { expect, it } from 'vitest';
import { readAhead } from '../src/index.js';

it('reads an item while the one before is used, in order, two at most', async () => {
  const events: string[] = [];
  const read = async (item: number) => {
    events.push(`read ${item}`);
    return 10 * item;
  };
  for await (const [item, value] of readAhead([1, 2, 3], read)) events.push(`use ${item} ${value}`);
  expect(events).toEqual(['read 1', 'read 2', 'use 1 10', 'read 3', 'use 2 20', 'use 3 30']);
});

it('gives nothing for nothing', async () => {
  for await (const _ of readAhead([], async () => 0)) expect.unreachable();
});

it('fails when it is the turn of what failed, and not if nobody asks for it', async () => {
  const read = async (item: number) => {
    if (item === 2) throw new Error('two');
    return item;
  };
  const used: number[] = [];
  const all = async () => {
    for await (const [item] of readAhead([1, 2, 3], read)) used.push(item);
  };
  await expect(all()).rejects.toThrow('two');
  expect(used).toEqual([1]);
  for await (const _ of readAhead([1, 2, 3], read)) break;
});
