import { describe, expect, it } from 'vitest';
import { blobSource, bytesSource, memoryFolder, memoryOutput } from '../src/index.js';

const bytes = Uint8Array.of(0, 1, 2, 3, 4);

describe('bytesSource and blobSource', () => {
  it.each([
    ['bytes', bytesSource('x', bytes)],
    ['blob', blobSource(new Blob([bytes]), 'x')],
  ])('%s: reads ranges and refuses what lies outside', async (_kind, source) => {
    expect([source.name, source.size]).toEqual(['x', 5]);
    expect(await source.read(1, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await source.read(5, 0)).toEqual(new Uint8Array(0));
    await expect(source.read(4, 2)).rejects.toMatchObject({ code: 'BAD_FILE', file: 'x' });
  });

  it("takes a picked file's own name", () => {
    expect(blobSource(new File([bytes], 'model.onnx')).name).toBe('model.onnx');
    expect(blobSource(new Blob([])).name).toBe('blob');
  });
});

describe('memoryFolder', () => {
  const folder = memoryFolder({ 'unet/b': bytes, './a': bytesSource('other name', bytes) }, 'model');

  it('lists and opens', async () => {
    expect(await folder.list()).toEqual(['a', 'unet/b']);
    expect([await folder.has('unet/b'), await folder.has('unet'), await folder.has('c')]).toEqual([true, false, false]);
    expect((await folder.open('./unet/b')).size).toBe(5);
    expect((await folder.open('a')).name).toBe('other name');
  });

  it('refuses missing files and paths that leave', async () => {
    await expect(folder.open('c')).rejects.toMatchObject({
      code: 'IO',
      file: 'c',
      hint: expect.stringContaining('unet/b'),
    });
    await expect(folder.open('../a')).rejects.toMatchObject({ code: 'BAD_FILE' });
    await expect(folder.has('/a')).rejects.toMatchObject({ code: 'BAD_FILE' });
    expect(() => memoryFolder({ '../a': bytes })).toThrow(expect.objectContaining({ code: 'BAD_FILE' }));
  });
});

describe('memoryOutput', () => {
  it('shows files on commit only, and keeps none of the writer’s buffers', async () => {
    const out = memoryOutput();
    const sink = await out.create('unet/x');
    const buffer = Uint8Array.of(1, 2);
    await sink.write(buffer);
    buffer.fill(9);
    await sink.write(buffer);
    await sink.close();
    expect(out.files.size).toBe(0);
    await out.commit();
    expect([...out.files]).toEqual([['unet/x', Uint8Array.of(1, 2, 9, 9)]]);
    await expect(out.create('y')).rejects.toMatchObject({ code: 'IO' });
  });

  it('keeps nothing after discard, and takes a name once', async () => {
    const out = memoryOutput();
    await out.create('x');
    await expect(out.create('./x')).rejects.toMatchObject({ code: 'EXISTS' });
    await expect(out.create('../x')).rejects.toMatchObject({ code: 'BAD_FILE' });
    await out.discard();
    expect(out.files.size).toBe(0);
    await expect(out.commit()).rejects.toMatchObject({ code: 'IO' });
  });
});
