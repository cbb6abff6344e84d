import { readFileSync } from 'node:fs';
import { testFormat } from '@secateur/core/conformance';
import { fixturePath } from '@secateur/testkit';
import { onnxFormat } from '../src/index.js';

const bytes = (path: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(path)));
const files = { 'model.onnx': bytes('unet2d-tiny/model.onnx') };

testFormat(() => onnxFormat, {
  samples: [
    { name: 'folder', files },
    { name: 'file', files, file: 'model.onnx' },
  ],
  others: [{ 'config.json': bytes('unet2d-tiny/config.json') }],
});
