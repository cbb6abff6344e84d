import { readFileSync } from 'node:fs';
import { memoryFolder } from '@secateur/core';
import { float32, type Tensor, toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { fixturePath, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { clipScore, loadClip } from '../../src/index.js';

const golden = loadFixtureTensors('clip/golden.safetensors');
const texts = JSON.parse(readFileSync(fixturePath('clip/texts.json'), 'utf8')) as string[];

function clipFiles(): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const path of ['onnx/text_model.onnx', 'onnx/vision_model.onnx', 'preprocessor_config.json']) {
    files[path] = readFileSync(fixturePath(`clip/${path}`));
  }
  for (const path of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
    files[path] = readFileSync(fixturePath(`pipelines/tokenizer/${path}`));
  }
  return files;
}

/** The waves of tools/reference/clip.py, in [-1, 1], `count` times. */
function waves(height: number, width: number, count = 1): Tensor {
  const byteAt = (i: number) => {
    const [channel, row, column] = [Math.floor(i / width / height) % 3, Math.floor(i / width) % height, i % width];
    return Math.round((Math.sin(channel + 0.13 * row + 0.11 * column) + 1) * 127.5);
  };
  const length = count * 3 * height * width;
  const data = Float32Array.from({ length }, (_, i) => (byteAt(i) / 255) * 2 - 1);
  return float32([count, 3, height, width], data);
}

describe('a CLIP', async () => {
  const engine = await nodeEngine({ threads: 1 });
  const clip = await loadClip(memoryFolder(clipFiles(), 'models/tiny-clip'), { engine, batchSize: 2 });
  afterAll(() => clip.dispose());

  it('puts texts where PyTorch puts them, in batches', async () => {
    const vectors = await clip.encodeTexts(texts);
    expect(vectors.shape).toEqual([3, 10]);
    expect(relativeError(toFloat32(vectors), golden.texts.data as Float32Array)).toBeLessThan(1e-5);
  });

  it('puts pictures where PyTorch puts them', async () => {
    const vectors = await clip.encodeImages(waves(16, 16, 3));
    expect(vectors.shape).toEqual([3, 10]);
    const expected = golden['pictures.same'].data as Float32Array;
    for (let n = 0; n < 3; n++) {
      expect(relativeError(toFloat32(vectors).subarray(10 * n, 10 * n + 10), expected)).toBeLessThan(1e-5);
    }
    expect(await clip.extract(waves(16, 16))).toEqual(float32([1, 10], toFloat32(vectors).slice(0, 10)));
    expect(clip).toMatchObject({ name: 'tiny-clip', dims: 10 });
  });

  // Pillow rounds to bytes on the way, we do not: measured 2e-3.
  it('resizes and crops pictures as Pillow does, to 1e-2', async () => {
    const vectors = await clip.encodeImages(waves(40, 48));
    const error = relativeError(toFloat32(vectors), golden['pictures.larger'].data as Float32Array);
    expect(error).toBeLessThan(1e-2);
  });

  it('is an encoder for the CLIP score', async () => {
    const [text, picture] = [golden.texts.data as Float32Array, golden['pictures.same'].data as Float32Array];
    const inner = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    const first = text.subarray(0, 10);
    const cosine = inner(first, picture) / Math.sqrt(inner(first, first) * inner(picture, picture));
    const { value } = await clipScore(clip, waves(16, 16), texts.slice(0, 1), { scale: 100 });
    expect(value).toBeCloseTo(100 * Math.max(0, cosine), 3);
  });

  it('takes grey pictures, refuses others, and stops when told to', async () => {
    const grey = float32([1, 1, 16, 16], new Float32Array(256));
    const colour = float32([1, 3, 16, 16], new Float32Array(768));
    expect(await clip.encodeImages(grey)).toEqual(await clip.encodeImages(colour));
    const four = float32([1, 4, 16, 16], new Float32Array(1024));
    await expect(clip.encodeImages(four)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    const signal = AbortSignal.abort();
    await expect(clip.encodeTexts(['a'], { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it.each(['onnx/text_model.onnx', 'onnx/vision_model.onnx', 'preprocessor_config.json', 'vocab.json'])(
    'names what is missing: %s',
    async (path) => {
      const { [path]: _, ...files } = clipFiles();
      const error = await loadClip(memoryFolder(files, 'clip'), { engine }).catch((thrown) => thrown);
      expect(['BAD_FILE', 'IO']).toContain(error.code);
      expect(error.message).toContain(path.replace('onnx/', ''));
    },
  );

  it('looks for another variant, and at the top of the folder', async () => {
    const files = clipFiles();
    const other = {
      ...files,
      'text_model_q8.onnx': files['onnx/text_model.onnx'],
      'onnx/vision_model_q8.onnx': files['onnx/vision_model.onnx'],
    };
    const own = await loadClip(memoryFolder(other, 'clip'), { engine, variant: 'q8', name: 'mine' });
    expect(await own.encodeTexts(['a'])).toEqual(await clip.encodeTexts(['a']));
    expect(own.name).toBe('mine');
    await own.dispose();
  });
});
