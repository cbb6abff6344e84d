import { describe, expect, it } from 'vitest';
import { memoryFolder, subfolder } from '../src/index.js';

describe('subfolder', () => {
  const pipeline = memoryFolder({ 'unet/config.json': Uint8Array.of(1), 'unet2/x': new Uint8Array(0) }, 'sd');
  const unet = subfolder(pipeline, 'unet');

  it('sees its own files by their inner names', async () => {
    expect([unet.name, unet.path]).toEqual(['sd/unet', undefined]);
    expect(await unet.list()).toEqual(['config.json']);
    expect([await unet.has('config.json'), await unet.has('x')]).toEqual([true, false]);
    expect((await unet.open('config.json')).size).toBe(1);
  });

  it('does not reach its neighbours', async () => {
    await expect(unet.open('../unet2/x')).rejects.toMatchObject({ code: 'BAD_FILE' });
    expect(() => subfolder(pipeline, '..')).toThrow(expect.objectContaining({ code: 'BAD_FILE' }));
  });
});
