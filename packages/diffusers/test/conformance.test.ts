import { readFileSync } from 'node:fs';
import { testFormat } from '@secateur/core/conformance';
import { fixturePath } from '@secateur/testkit';
import { diffusersFormat } from '../src/index.js';

const bytes = (path: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(path)));
const weights = 'diffusion_pytorch_model.safetensors';
const files = {
  'config.json': bytes('unet2d-tiny/config.json'),
  [weights]: bytes(`unet2d-tiny/${weights}`),
};

testFormat(() => diffusersFormat, {
  samples: [
    { name: 'folder', files, sizes: { height: 8, width: 8 } },
    { name: 'file', files, file: weights, sizes: { height: 8, width: 8 } },
  ],
  others: [{ 'model.onnx': bytes('unet2d-tiny/model.onnx') }],
  dtypes: ['float16', 'bfloat16'],
});
