import { readFile } from 'node:fs/promises';
import type { ByteSource, Engine } from '@secateur/core';
import { tensor } from '@secateur/graph';
import { decodeOnnx } from '@secateur/onnx';
import { fixturePath, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { nodeEngine, webEngineInNode } from '../src/node.js';

async function memoryFile(name: string): Promise<ByteSource> {
  const bytes = new Uint8Array(await readFile(fixturePath(name)));
  return { name, size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

it.each<[string, () => Promise<Engine>]>([
  ['ort', nodeEngine],
  ['ort-web', webEngineInNode],
])("%s computes PyTorch's outputs of a U-Net to 1e-4, the project's promise", async (_, makeEngine) => {
  const graph = await decodeOnnx(await memoryFile('unet2d-tiny/model.onnx'));
  const golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const { dtype, shape, data } = golden[`in.${name}`]!;
      return [name, tensor(dtype, shape, data)];
    }),
  );
  const executable = await (await makeEngine()).compile(graph);
  const results = await executable.run(feeds);
  expect(relativeError(Object.values(results)[0]!.data as Float32Array, golden.out!.data as Float32Array)).toBeLessThan(
    1e-4,
  );
  await executable.dispose();
});
