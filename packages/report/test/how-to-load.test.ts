import { expect, it } from 'vitest';
import { howToLoad } from '../src/how-to-load.js';

const titles = (files: readonly string[], className?: string): string[] =>
  howToLoad(files, className).map(({ title }) => title);

it('offers what the files allow', () => {
  expect(titles([])).toEqual([]);
  expect(titles(['unet/diffusion_pytorch_model.safetensors'], 'UNet2DModel')).toEqual(['diffusers', 'Secateur']);
  expect(titles(['diffusion_pytorch_model.safetensors', 'load_secateur.py'], 'UNet2DModel')[0]).toMatch(/script/);
  expect(titles(['model.onnx'])).toEqual(['onnxruntime-node', 'Secateur']);
});

it('names the subfolder', () => {
  const [way] = howToLoad(['unet/diffusion_pytorch_model.safetensors'], 'UNet2DModel');
  expect(way!.code).toContain('UNet2DModel.from_pretrained("OUT", subfolder="unet")');
});

it('puts no class name into code that is none', () => {
  expect(titles(['diffusion_pytorch_model.safetensors'], 'x; import os')).toEqual(['Secateur']);
});

it('names the library of the class, and draws with denoisers alone', () => {
  const [way, ...others] = howToLoad(['config.json', 'model.safetensors'], 'CLIPTextModel');
  expect(way).toMatchObject({
    title: 'transformers',
    code: expect.stringContaining('from transformers import CLIPTextModel'),
  });
  expect(others).toEqual([]);
  expect(titles(['diffusion_pytorch_model.safetensors'], 'AutoencoderKL')).toEqual(['diffusers']);
});
