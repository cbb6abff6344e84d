import { readdirSync, readFileSync } from 'node:fs';
import { modelFromWeights, weightsFrom } from '@secateur/diffusers';
import { castTensor, constantOf, float32, type Graph, type Tensor, toFloat32 } from '@secateur/graph';
import { wasmEngineInNode } from '@secateur/runtime/node';
import { loadFixtureTensors, namedWeights, relativeError } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { feedsOf, loadExported, numbersOf, readExported, relativeTo } from './onnx-exports/exported.js';
import { fixturePath } from './run-cli.js';

/** Every variant of every model class, with weights made from their names. */
const folders = [
  'unet2d-variants',
  'unet2d-condition-variants',
  'autoencoder-kl-variants',
  'transformer-variants',
  'text-encoders',
];
const variants = folders.flatMap((folder) =>
  readdirSync(fixturePath(folder))
    .filter((file) => file.endsWith('.json') && file !== 'position-buckets.json')
    .map((file) => `${folder}/${file.replace('.json', '')}`),
);
const exports = readdirSync(fixturePath('onnx-exports'))
  .filter((file) => file.endsWith('.onnx.gz'))
  .map((file) => file.replace('.onnx.gz', ''));

function variantGraph(name: string): Graph {
  const { config, tensors } = JSON.parse(readFileSync(fixturePath(`${name}.json`), 'utf8'));
  const weights = Object.entries(tensors as Record<string, number[]>).map(
    ([tensor, shape]) => [tensor, constantOf(float32(shape, namedWeights(tensor, shape)))] as const,
  );
  return modelFromWeights(name, config, weightsFrom(new Map(weights))).graph;
}

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const executable = await (await wasmEngineInNode()).compile(graph);
  const results = await executable.run(feeds);
  await executable.dispose();
  return results;
}

it.each(variants)("engine wasm computes the library's outputs of %s", async (name) => {
  const golden = loadFixtureTensors(`${name}.safetensors`);
  const graph = variantGraph(name);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name: input, dtype }) => [input, castTensor(golden[`in.${input}`] as Tensor, dtype)]),
  );
  const results = await run(graph, feeds);
  for (const { name: output } of graph.outputs) {
    const expected = golden[output];
    if (expected) expect(relativeError(toFloat32(results[output]!), expected.data as Float32Array)).toBeLessThan(1e-4);
  }
});

it.each(exports)("engine wasm computes PyTorch's outputs of the export %s", async (name) => {
  const exported = readExported(name);
  const model = await loadExported(name, exported);
  const results = await run(model.graph, feedsOf(model, exported.inputs));
  const out = toFloat32(results[model.graph.outputs[0]!.name]!);
  // Half precision rounds the output to 11 bits.
  expect(relativeTo(out, numbersOf(exported.out))).toBeLessThan(exported.half ? 1e-3 : 1e-4);
});
