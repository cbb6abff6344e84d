import type { Format } from '@secateur/core';
import { loadDiffusers } from './load.js';
import { looksLikeDiffusers } from './locate.js';
import { saveDiffusers } from './save.js';

/**
 * diffusers' own layout: a folder with `config.json` and `diffusion_pytorch_model.safetensors`, a pipeline with
 * `model_index.json` and the model in a folder of its own, or a `.safetensors` with its `config.json` beside it.
 */
export const diffusersFormat: Format = {
  name: 'diffusers',
  apiVersion: 1,
  detect: looksLikeDiffusers,
  load: loadDiffusers,
  save: saveDiffusers,
};
