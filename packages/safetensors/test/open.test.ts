import { memoryFolder } from '@secateur/core';
import { describe, expect, it } from 'vitest';
import { openSafetensors } from '../src/index.js';
import { fileOf } from './bytes.js';

const file = (name: string): Uint8Array =>
  fileOf(JSON.stringify({ [name]: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }), Uint8Array.of(1));
const index = (shard: string): Uint8Array => new TextEncoder().encode(JSON.stringify({ weight_map: { s: shard } }));

async function tensorIn(files: Record<string, Uint8Array>, variant?: string): Promise<string | undefined> {
  const checkpoint = await openSafetensors(memoryFolder(files), 'unet/model', { variant });
  return [...checkpoint.tensors.keys()][0];
}

describe('openSafetensors', () => {
  it('takes the single file, or the index before it', async () => {
    const single = { 'unet/model.safetensors': file('single') };
    expect(await tensorIn(single)).toBe('single');
    const both = {
      ...single,
      'unet/model.safetensors.index.json': index('1.safetensors'),
      'unet/1.safetensors': file('s'),
    };
    expect(await tensorIn(both)).toBe('s');
  });

  it('takes fp16 where it is the only one, or when asked', async () => {
    const half = { 'unet/model.fp16.safetensors': file('half') };
    expect(await tensorIn(half)).toBe('half');
    const both = { ...half, 'unet/model.safetensors': file('single') };
    expect(await tensorIn(both)).toBe('single');
    expect(await tensorIn(both, 'fp16')).toBe('half');
    await expect(tensorIn({ 'unet/model.safetensors': file('single') }, 'fp16')).rejects.toMatchObject({
      code: 'BAD_FILE',
    });
  });

  it.each([
    'model.safetensors.index.fp16.json',
    'model.safetensors.fp16.index.json',
    'model.fp16.safetensors.index.json',
  ])('knows the index by the name %s', async (name) => {
    expect(await tensorIn({ [`unet/${name}`]: index('1.safetensors'), 'unet/1.safetensors': file('s') })).toBe('s');
  });

  it('says what was looked for, and why a pickle does not do', async () => {
    await expect(tensorIn({})).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('unet/model.safetensors'),
    });
    await expect(tensorIn({ 'unet/model.bin': new Uint8Array(9) })).rejects.toMatchObject({
      hint: expect.stringContaining('pickle'),
    });
  });
});
