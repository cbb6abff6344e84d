import { expect, it } from 'vitest';
import { serialQueue } from '../src/serial-queue.js';

it('runs tasks in order, one at a time, past failures', async () => {
  const queue = serialQueue();
  const log: string[] = [];
  const task = (name: string, delayMs: number) => () =>
    new Promise<string>((resolve, reject) => {
      log.push(`${name} starts`);
      setTimeout(() => {
        log.push(`${name} ends`);
        if (name === 'bad') reject(new Error(name));
        else resolve(name);
      }, delayMs);
    });
  const slow = queue(task('slow', 5));
  const bad = queue(task('bad', 1));
  const fast = queue(task('fast', 0));
  await expect(bad).rejects.toThrow('bad');
  expect(await Promise.all([slow, fast])).toEqual(['slow', 'fast']);
  expect(log).toEqual(['slow starts', 'slow ends', 'bad starts', 'bad ends', 'fast starts', 'fast ends']);
});
