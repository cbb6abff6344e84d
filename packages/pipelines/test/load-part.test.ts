import { memoryFolder, subfolder } from '@secateur/core';
import { expect, it } from 'vitest';
import { givenPart, hasPart, jsonIfAny, loadPart } from '../src/load-part.js';
import { tinyFiles, tinyOnnxFiles } from './tiny-pipeline.js';

it('opens configuration and weights, or an ONNX file with the size that its configuration knows', async () => {
  const own = await loadPart(subfolder(memoryFolder(await tinyFiles('sd'), 'sd'), 'unet'), 'unet');
  expect(own.model).toMatchObject({ name: 'unet', className: 'UNet2DConditionModel', sizes: { height: 8, width: 8 } });
  const onnx = await loadPart(subfolder(memoryFolder(await tinyOnnxFiles('sd'), 'sd'), 'unet'), 'unet');
  expect(onnx.model).toMatchObject({ name: 'unet', format: 'onnx', sizes: { height: 8, width: 8 } });
  expect(onnx.config.cross_attention_dim).toBe(12);
});

it('takes models and folders in place of a folder’s own', async () => {
  const folder = memoryFolder(await tinyFiles('sd'), 'sd');
  const part = await givenPart(subfolder(folder, 'unet'), 'unet');
  expect(await givenPart(part.model, 'unet')).toEqual({ model: part.model, config: part.config });
  expect([await hasPart(folder, 'unet'), await hasPart(folder, 'prior')]).toEqual([true, false]);
});

it('names what is missing or damaged', async () => {
  const folder = memoryFolder({ 'a.json': Buffer.from('{"x": -Infinity}'), 'b.json': Buffer.from('[]') }, 'unet');
  await expect(loadPart(folder, 'unet')).rejects.toMatchObject({ code: 'BAD_FILE', file: 'unet', field: 'unet' });
  expect(await jsonIfAny(folder, 'a.json')).toEqual({ x: Number.NEGATIVE_INFINITY });
  expect(await jsonIfAny(folder, 'c.json')).toBeUndefined();
  await expect(jsonIfAny(folder, 'b.json')).rejects.toMatchObject({ code: 'BAD_FILE', file: 'b.json' });
  const huge = { name: 'config.json', size: 2 ** 30, read: async () => new Uint8Array(0) };
  await expect(loadPart(memoryFolder({ 'config.json': huge }), 'vae')).rejects.toMatchObject({ code: 'BAD_FILE' });
});
