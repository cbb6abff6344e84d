import { expect, it } from 'vitest';
import { importPeer, type LoadedOrt } from '../src/import-peer.js';

const module = { InferenceSession: {}, env: {} } as unknown as LoadedOrt;

it('loads ES modules and CommonJS packages', async () => {
  expect(await importPeer('peer', undefined, async () => module)).toBe(module);
  expect(await importPeer('peer', undefined, async () => ({ default: module }))).toBe(module);
});

it('prefers what the user injects', async () => {
  expect(await importPeer('peer', module, () => Promise.reject(new Error('not asked')))).toBe(module);
});

it('names the package and the option when it is missing', async () => {
  const load = () => Promise.reject(new Error('Cannot find package'));
  await expect(importPeer('onnxruntime-web/webgpu', undefined, load)).rejects.toMatchObject({
    code: 'MISSING_DEPENDENCY',
    field: 'onnxruntime-web',
    hint: expect.stringMatching(/npm i onnxruntime-web\).*`ort`/),
  });
});
