import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ByteSink, bytesSource, memoryOutput, sha256 } from '@secateur/core';
import { nodeFile } from '@secateur/core/node';
import {
  bytesOf,
  bytesPerElement,
  type DType,
  float32,
  type Tensor,
  tensorFromBytes,
  toNumbers,
} from '@secateur/graph';
import { fixturePath } from '@secateur/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  layoutSafetensors,
  readSafetensors,
  type TensorToWrite,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from '../src/index.js';

async function written(tensors: Iterable<TensorToWrite>, options?: WriteSafetensorsOptions): Promise<Uint8Array> {
  const out = memoryOutput();
  await writeSafetensors(await out.create('x'), tensors, options);
  await out.commit();
  return out.files.get('x')!;
}

/** Read and written again, the tensors handed over last first. */
async function rewritten(path: string): Promise<Uint8Array> {
  const file = await readSafetensors(await nodeFile(path));
  const bytes = await written([...file.tensors.values()].reverse(), { metadata: file.metadata });
  await file.close();
  return bytes;
}

function named(name: string, value: Tensor): TensorToWrite {
  return { name, dtype: value.dtype, shape: value.shape, read: async () => value };
}

describe('writeSafetensors', () => {
  // test/in/all-dtypes.safetensors was written by the Python library safetensors 0.8.0.
  it('reproduces, byte for byte, a file of the reference library: all dtypes, scalars, empty tensors, odd names', async () => {
    const path = fileURLToPath(new URL('in/all-dtypes.safetensors', import.meta.url));
    expect(Buffer.compare(await rewritten(path), await readFile(path))).toBe(0);
  });

  it.each([
    ['diffusion_pytorch_model', 'f127015f6c6d2e7d046daa7cd382b977bde263d1846718ff07c87db5fc9b76ab'],
    ['golden', '79c8ed4db3558169c9c4f3fa16762a2da1314437f53a8756d1a79b9b269c3e1c'],
  ])('writes the tensors of %s, a file of another tool, as the reference library 0.8.0 does', async (name, hash) => {
    const bytes = await rewritten(fixturePath(`unet2d-tiny/${name}.safetensors`));
    expect(await sha256(bytes)).toBe(hash);
    const again = await readSafetensors(bytesSource('x', bytes));
    expect(Buffer.compare(await written(again.tensors.values(), { metadata: again.metadata }), bytes)).toBe(0);
  });

  it('holds three tensors at a time: one is read and one converted while one is written', async () => {
    let [live, most] = [0, 0];
    const soon = () => new Promise((resolve) => setTimeout(resolve, 1));
    const sink: ByteSink = {
      write: async (bytes) => {
        await soon();
        if (bytes.byteLength === 8) live--;
      },
      close: async () => {},
    };
    const tensors = Array.from({ length: 8 }, (_, i) => ({
      ...named(`${i}`, float32([2], [1, 2])),
      read: async () => {
        most = Math.max(most, ++live);
        await soon();
        return float32([2], [1, 2]);
      },
    }));
    await writeSafetensors(sink, tensors);
    expect(live).toBe(0);
    expect(most).toBe(3);
  });

  it('fails with what the sink says, also when it is the last write, and leaves none on its way', async () => {
    for (const failing of [1, 2, 3]) {
      let [begun, ended] = [0, 0];
      const sink: ByteSink = {
        write: async () => {
          const number = begun++;
          await Promise.resolve();
          ended++;
          if (number === failing) throw new Error(`write ${number} failed`);
        },
        close: async () => {},
      };
      const tensors = ['a', 'b', 'c'].map((name) => named(name, float32([2], [1, 2])));
      await expect(writeSafetensors(sink, tensors)).rejects.toThrow(`write ${failing} failed`);
      expect(ended).toBe(begun);
    }
  });

  it('converts floats, rounding to nearest, and leaves integers', async () => {
    const weight = named('w', float32([3], [1, 1 / 3, -65504]));
    const steps = named('n', tensorFromBytes('int32', [1], new Uint8Array(Int32Array.of(70000).buffer)));
    const { tensors } = await readSafetensors(bytesSource('x', await written([weight, steps], { dtype: 'float16' })));
    // 1/3 in binary16 is 1365 / 4096.
    expect(toNumbers(await tensors.get('w')!.read())).toEqual([1, 1365 / 4096, -65504]);
    expect(tensors.get('w')!.dtype).toBe('float16');
    expect(toNumbers(await tensors.get('n')!.read())).toEqual([70000]);
    const brain = await readSafetensors(bytesSource('x', await written([weight], { dtype: 'bfloat16' })));
    // bfloat16 keeps 8 bits: 1/3 → 171 / 512, 65504 → 65536.
    expect(toNumbers(await brain.tensors.get('w')!.read())).toEqual([1, 171 / 512, -65536]);
  });

  it('refuses to turn a finite weight into infinity, and keeps infinities that were there', async () => {
    await expect(written([named('w', float32([1], [70000]))], { dtype: 'float16' })).rejects.toMatchObject({
      code: 'BAD_DATA',
      field: 'w',
      message: expect.stringContaining('70000'),
    });
    const bytes = await written([named('w', float32([2], [Number.POSITIVE_INFINITY, Number.NaN]))], {
      dtype: 'float16',
    });
    const { tensors } = await readSafetensors(bytesSource('x', bytes));
    expect(toNumbers(await tensors.get('w')!.read())).toEqual([Number.POSITIVE_INFINITY, Number.NaN]);
  });

  it('refuses a tensor that is not as announced', async () => {
    const wrong = { ...named('w', float32([2], [1, 2])), shape: [1] };
    await expect(written([wrong])).rejects.toMatchObject({ code: 'SHAPE_MISMATCH', field: 'w' });
  });

  it('reports progress up to the total, and stops when aborted', async () => {
    const tensors = [named('a', float32([2], [1, 2])), named('b', float32([1], [3]))];
    const seen: number[][] = [];
    const bytes = await written(tensors, { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([
      [bytes.length - 4, bytes.length],
      [bytes.length, bytes.length],
    ]);
    const controller = new AbortController();
    const writing = written(tensors, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(writing).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('round trip: random tensors come back bit for bit, where the layout said', async () => {
    const dtypes: DType[] = ['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8', 'int16', 'int64', 'uint64'];
    const anyTensor = fc
      .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(3), { maxLength: 4 }), seed: fc.nat() })
      .map(({ dtype, shape, seed }) => {
        const length = shape.reduce((product, dim) => product * dim, bytesPerElement(dtype));
        return tensorFromBytes(
          dtype,
          shape,
          Uint8Array.from({ length }, (_, i) => (seed + i * 97) & 255),
        );
      });
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => text !== '__metadata__');
    const text = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, anyTensor), { selector: ([key]) => key }),
        text,
        async (pairs, metadata) => {
          const bytes = await written(
            pairs.map(([key, value]) => named(key, value)),
            { metadata },
          );
          const file = await readSafetensors(bytesSource('x', bytes));
          const layout = layoutSafetensors(
            pairs.map(([key, value]) => named(key, value)),
            { metadata },
          );
          expect(layout.totalBytes).toBe(bytes.byteLength);
          expect(file.tensors.size).toBe(pairs.length);
          expect({ ...file.metadata }).toEqual({ ...metadata });
          for (const [key, value] of pairs) {
            const entry = file.tensors.get(key)!;
            const back = await entry.read();
            expect([back.dtype, back.shape]).toEqual([value.dtype, value.shape]);
            expect(Buffer.compare(bytesOf(back), bytesOf(value))).toBe(0);
            expect(layout.tensors.get(key)!.offset).toBe(entry.offset);
          }
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
});
