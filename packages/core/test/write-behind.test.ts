import { expect, it } from 'vitest';
import { writeBehind } from '../src/index.js';

it('writes while the caller goes on, one after the other', async () => {
  const events: string[] = [];
  const sink = {
    write: async (bytes: Uint8Array) => {
      events.push(`begin ${bytes[0]}`);
      await Promise.resolve();
      events.push(`end ${bytes[0]}`);
    },
    close: async () => {},
  };
  const behind = writeBehind(sink);
  await behind.write(Uint8Array.of(1));
  events.push('make 2');
  await behind.write(Uint8Array.of(2));
  await behind.flush();
  expect(events.indexOf('make 2')).toBeLessThan(events.indexOf('end 1') + 2);
  expect(events.filter((event) => event !== 'make 2')).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
});

it('fails at the next call with what the sink threw, and writes no more', async () => {
  let calls = 0;
  const sink = {
    write: async () => {
      calls++;
      throw new Error('full');
    },
    close: async () => {},
  };
  const behind = writeBehind(sink);
  await behind.write(Uint8Array.of(1));
  await expect(behind.write(Uint8Array.of(2))).rejects.toThrow('full');
  await expect(behind.flush()).rejects.toThrow('full');
  expect(calls).toBe(1);
});
