import { fileURLToPath } from 'node:url';
import { bytesSource } from '@secateur/core';
import { nodeFile } from '@secateur/core/node';
import { SecateurError, toNumbers } from '@secateur/graph';
import { fixturePath } from '@secateur/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../src/index.js';
import { fileOf, watchedSource } from './bytes.js';

const header =
  '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}';
const data = new Uint8Array(9);
new Float32Array(data.buffer, 0, 2).set([1.5, -2]);
data[8] = 1;
const file = fileOf(header, data);

/** Reads all of it; anything but a result or a SecateurError is rethrown. */
async function tryAll(bytes: Uint8Array): Promise<{ ok: boolean; largestRead: number }> {
  const { source, largestRead } = watchedSource(bytes);
  try {
    const { tensors } = await readSafetensors(source);
    for (const entry of tensors.values()) await entry.read();
    return { ok: true, largestRead: largestRead() };
  } catch (error) {
    if (!(error instanceof SecateurError)) throw error;
    return { ok: false, largestRead: largestRead() };
  }
}

describe('readSafetensors', () => {
  it('reads the header only, and tensors when asked', async () => {
    const { source, largestRead } = watchedSource(file);
    const { tensors, headerBytes } = await readSafetensors(source);
    expect(largestRead()).toBe(header.length);
    expect(headerBytes).toBe(8 + header.length);
    const a = tensors.get('a')!;
    expect([a.dtype, a.shape, a.offset, a.byteLength]).toEqual(['float32', [1, 2], headerBytes, 8]);
    expect(toNumbers(await a.read())).toEqual([1.5, -2]);
    expect(await tensors.get('b')!.read()).toMatchObject({ dtype: 'bool', shape: [], data: Uint8Array.of(1) });
  });

  it('gives constants: with the location when the file is on disk, without when it is in memory', async () => {
    const inMemory = await readSafetensors(bytesSource('x', file));
    const constant = inMemory.tensors.get('a')!.constant();
    expect(constant).toMatchObject({ dtype: 'float32', shape: [1, 2], location: undefined });
    expect(constant.parameter).toEqual({ name: 'a', shape: [1, 2], axes: [0, 1] });
    const path = fixturePath('unet2d-tiny/diffusion_pytorch_model.safetensors');
    const onDisk = await readSafetensors(await nodeFile(path));
    const bias = onDisk.tensors.get('conv_in.bias')!;
    expect(bias.constant().location).toEqual({ file: path, path, offset: bias.offset, byteLength: 64 });
    await onDisk.close();
  });

  it('reads every dtype of a file written by the reference library', async () => {
    const checkpoint = await readSafetensors(
      await nodeFile(fileURLToPath(new URL('in/all-dtypes.safetensors', import.meta.url))),
    );
    expect(checkpoint.metadata).toEqual({ format: 'pt' });
    for (const kind of ['f64', 'f32', 'f16', 'bf16']) {
      expect(toNumbers(await checkpoint.tensors.get(`a.${kind}`)!.read())).toEqual([0.5]);
    }
    for (const kind of ['i64', 'i32', 'i16', 'i8', 'u8', 'u16', 'u32', 'u64']) {
      expect(toNumbers(await checkpoint.tensors.get(`b.${kind}`)!.read())).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(toNumbers(await checkpoint.tensors.get('b.bool')!.read())).toEqual([1, 0, 1]);
    expect(await checkpoint.tensors.get('empty')!.read()).toMatchObject({ shape: [0, 4], data: new Float32Array(0) });
    await checkpoint.close();
  });

  it.each([
    ['an empty file', new Uint8Array(0), /0 bytes/],
    ['seven bytes', new Uint8Array(7), /7 bytes/],
    ['a length of zero', new Uint8Array(64), /header of 0 bytes; expected 2 to 56/],
    ['a length past the end', fileOf('{}', new Uint8Array(0), 3n), /header of 3 bytes; expected 2 to 2/],
    ['a length of 2^64 - 1', fileOf('{}', new Uint8Array(0), 2n ** 64n - 1n), /18446744073709551615/],
    ['a header that is not UTF-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /UTF-8/],
  ])('refuses %s', async (_what, bytes, words) => {
    await expect(readSafetensors(bytesSource('x', bytes))).rejects.toMatchObject({
      code: 'BAD_FILE',
      file: 'x',
      message: expect.stringMatching(words),
    });
  });

  it('refuses a header above 100 MB without reading it', async () => {
    let reads = 0;
    const first = new Uint8Array(8);
    new DataView(first.buffer).setBigUint64(0, 100_000_001n, true);
    const source = {
      name: 'x',
      size: 2 ** 40,
      read: async () => {
        reads++;
        return first;
      },
    };
    await expect(readSafetensors(source)).rejects.toMatchObject({ code: 'BAD_FILE', field: 'header length' });
    expect(reads).toBe(1);
  });

  it.each([
    ['version https://git-lfs.github.com/spec/v1', /git lfs pull/],
    ['PK\x03\x04 a zip archive', /pickled/],
    ['<!DOCTYPE html><html></html>', /web page/],
  ])('says what a file of another kind is: %s', async (text, hint) => {
    const source = bytesSource('x', new TextEncoder().encode(text));
    await expect(readSafetensors(source)).rejects.toMatchObject({
      code: 'BAD_FILE',
      hint: expect.stringMatching(hint),
    });
  });

  it('refuses a BOOL that is neither 0 nor 1, when it is read', async () => {
    const wrong = file.slice();
    wrong[wrong.length - 1] = 7;
    const { tensors } = await readSafetensors(bytesSource('x', wrong));
    await expect(tensors.get('b')!.read()).rejects.toMatchObject({ code: 'BAD_FILE', field: 'b' });
  });

  it('every truncation is refused', async () => {
    for (let length = 0; length < file.length; length++) {
      expect(await tryAll(file.slice(0, length))).toMatchObject({ ok: false });
    }
  });

  it('byte flips end in a result or a SecateurError, and never ask for more than the file holds', async () => {
    const flip = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const bytes = file.slice();
        for (const [at, mask] of flips) bytes[at]! ^= mask;
        expect((await tryAll(bytes)).largestRead).toBeLessThanOrEqual(file.length);
      }),
      { seed: 1, numRuns: 3000 },
    );
  });

  it('header edits likewise: values replaced by hostile ones', async () => {
    const hostile = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom(
        -1,
        0,
        1,
        2,
        4,
        8,
        9,
        2 ** 31,
        2 ** 53,
        1e300,
        'F32',
        'F64',
        'F8_E5M2',
        [2 ** 31, 2 ** 31],
        [0, 9],
      ),
      fc.array(fc.oneof(fc.nat(12), fc.constantFrom(-1, 0.5, 2 ** 32, 2 ** 53)), { maxLength: 4 }),
    );
    const places = [
      ['a', 'dtype'],
      ['a', 'shape'],
      ['a', 'data_offsets'],
      ['b', 'shape'],
      ['b', 'data_offsets'],
      ['a'],
      ['__metadata__'],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...places), hostile), { minLength: 1, maxLength: 3 }),
        async (edits) => {
          const edited = JSON.parse(header) as Record<string, unknown>;
          for (const [[name, field], value] of edits) {
            const entry = edited[name!];
            if (field === undefined) edited[name!] = value;
            else if (typeof entry === 'object' && entry !== null) (entry as Record<string, unknown>)[field] = value;
          }
          const bytes = fileOf(JSON.stringify(edited), data);
          expect((await tryAll(bytes)).largestRead).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { seed: 2, numRuns: 3000 },
    );
  });
});
