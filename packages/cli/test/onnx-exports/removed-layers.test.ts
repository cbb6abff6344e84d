import { readFileSync } from 'node:fs';
import { type Model, memoryFolder, memoryOutput } from '@secateur/core';
import { diffusersFormat, modelClasses, modelFromWeights, randomWeights } from '@secateur/diffusers';
import {
  type Constant,
  type Coupling,
  couple,
  evaluateDim,
  evaluateGraph,
  float32,
  type Graph,
  int64,
  removeUnits,
  sizeOf,
  type Tensor,
} from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { fixturePath, seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { relativeTo } from './exported.js';

/** Small configurations, one of every class at least. */
const configs = [
  'unet2d-tiny/config.json',
  'unet2d-variants/scale-shift.json',
  'unet2d-cond-sd1/config.json',
  'unet2d-condition-variants/no-middle.json',
  'autoencoder-kl/config.json',
  'text-encoders/clip.json',
  'text-encoders/clip-projection.json',
  'text-encoders/t5-gated.json',
  'dit/config.json',
  'sd3/config.json',
  'pixart/config.json',
  'flux/config.json',
];

const sizes = { batch: 1, height: 8, width: 8, latent_height: 4, latent_width: 4, tokens: 5, image_tokens: 6 };

function modelOf(path: string): Model {
  const json = JSON.parse(readFileSync(fixturePath(path), 'utf8'));
  const config = json.config ?? json;
  return modelFromWeights('model', config, randomWeights(config, 7));
}

/** Waves; for indices small whole numbers, so that they are in the range of every table. */
function feedsOf({ inputs }: Graph): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const dims = shape.map((dim) => evaluateDim(dim, sizes));
      const wave = Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(1 + 2.7 * i));
      if (dtype !== 'int64') return [name, float32(dims, wave)];
      const isMask = name.includes('mask');
      return [
        name,
        int64(
          wave.map((_, i) => (isMask ? 1 : (3 * i + 1) % 7)),
          dims,
        ),
      ];
    }),
  );
}

async function throughOnnx(model: Model): Promise<Graph> {
  const out = memoryOutput();
  await onnxFormat.save(model, out);
  await out.commit();
  const { graph } = await onnxFormat.load({ folder: memoryFolder(Object.fromEntries(out.files)) });
  return inMemory(graph);
}

async function inMemory(graph: Graph): Promise<Graph> {
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) constants.set(name, { ...constant, value: await constant.read() });
  return { ...graph, constants };
}

/** A quarter of the layers and blocks, one at least, and of every linear that modulates a third of its outputs. */
function someUnits({ depth, modulations }: Coupling): Map<string, number[]> {
  const random = seededRandom(5);
  const layers = depth.filter(({ kind }) => kind === 'layer' || kind === 'block').filter(() => random() < 0.25);
  const removal = new Map((layers.length > 0 ? layers : depth.slice(0, 1)).map(({ id }) => [id, [0]]));
  for (const { id, size } of modulations) {
    removal.set(
      id,
      Array.from({ length: size }, (_, unit) => unit).filter((unit) => unit % 3 === 1),
    );
  }
  return removal;
}

/** Largest difference of any output, relative to its largest number. */
function difference(a: Graph, b: Graph): number {
  const feeds = feedsOf(b);
  const [x, y] = [evaluateGraph(a, feeds), evaluateGraph(b, feeds)];
  expect(Object.keys(x).sort()).toEqual(Object.keys(y).sort());
  return Math.max(
    ...Object.keys(y).map((name) => relativeTo(x[name]!.data as Float32Array, y[name]!.data as Float32Array)),
  );
}

it('covers every class', () => {
  const covered = new Set(configs.map((path) => modelOf(path).className));
  expect([...modelClasses.keys()].filter((name) => !covered.has(name))).toEqual([]);
});

describe.each(configs)('%s through ONNX', async (path) => {
  const lazy = modelOf(path);
  const model = { ...lazy, graph: await inMemory(lazy.graph) };
  const coupling = couple(model.graph);
  const { graph: cut } = removeUnits(coupling, someUnits(coupling));

  it('computes the same without layers, blocks and modulations', async () => {
    // The same operators in the same order; shapes may have been folded.
    expect(difference(await throughOnnx({ ...model, graph: cut }), cut)).toBeLessThanOrEqual(1e-6);
  });

  it('has the same units, and loses the same with them', async () => {
    const again = couple(await throughOnnx(model));
    expect(again.depth.map(({ id, kind, parameters }) => [id, kind, parameters])).toEqual(
      coupling.depth.map(({ id, kind, parameters }) => [id, kind, parameters]),
    );
    expect(again.modulations.map(({ size }) => size)).toEqual(coupling.modulations.map(({ size }) => size));
    expect(difference(removeUnits(again, someUnits(again)).graph, cut)).toBeLessThanOrEqual(1e-6);
  });
});

it('finds the pairs of exports that divide every residual sum by one, and removes the same with them', async () => {
  const bytes = (file: string) => new Uint8Array(readFileSync(fixturePath(`unet2d-tiny/${file}`)));
  const weights = 'diffusion_pytorch_model.safetensors';
  const files = { 'config.json': bytes('config.json'), [weights]: bytes(weights) };
  const loaded = await diffusersFormat.load({ folder: memoryFolder(files) });
  const exported = await onnxFormat.load({ folder: memoryFolder({ 'model.onnx': bytes('model.onnx') }) });
  const [own, other] = [couple(await inMemory(loaded.graph)), couple(await inMemory(exported.graph))];
  const pairs = own.depth.filter(({ kind }) => kind === 'pair').map(({ id }) => id);
  expect(pairs).toEqual(['down_blocks.0.resnets.0+up_blocks.1.resnets.1']);
  const removal = new Map(pairs.map((id) => [id, [0]]));
  const [a, b] = [removeUnits(own, removal).graph, removeUnits(other, removal).graph];
  const feeds = feedsOf(a);
  const [x] = Object.values(evaluateGraph(a, feeds));
  const [y] = Object.values(evaluateGraph(b, Object.fromEntries(b.inputs.map(({ name }) => [name, feeds[name]!]))));
  // Convolutions and norms in another order of sums than the export has them.
  expect(relativeTo(y!.data as Float32Array, x!.data as Float32Array)).toBeLessThanOrEqual(1e-5);
});
