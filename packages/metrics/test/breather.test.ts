import { describe, expect, it } from 'vitest';
import { breather } from '../src/breather.js';

describe('breather', () => {
  it('lets a timer fire in a computation that never waits for anything', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    const breathe = breather(controller.signal);
    const endless = async () => {
      for (;;) await breathe();
    };
    await expect(endless()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('stops at once when the signal has fired', async () => {
    await expect(breather(AbortSignal.abort())()).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(breather(undefined)()).resolves.toBeUndefined();
  });
});
