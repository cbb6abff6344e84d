import { memoryFolder, memoryOutput } from '@secateur/core';
import {
  type Constant,
  constantOf,
  couple,
  evaluateDim,
  evaluateGraph,
  float32,
  type Graph,
  gradient,
  inferTypes,
  shapeText,
  sizeOf,
  type Tensor,
} from '@secateur/graph';
import { expectClose, type FixtureTensor, loadFixtureTensors } from '@secateur/testkit';
import { expect } from 'vitest';
import {
  diffusersFormat,
  type ModelClass,
  modelFromWeights,
  overridesOf,
  randomWeights,
  shapesOf,
  type WeightSource,
  weightsFrom,
} from '../../src/index.js';
import { constantsOf, feedsOf, inMemory, readJson } from './fixtures.js';
import { expectRemovalEqualsRebuild, type RemovalCase, randomRemoval } from './removal.js';
import { readVariant, variantWeights } from './variants.js';

/** A small model with the inputs and outputs that the library has for it. */
export interface ModelCase extends Omit<RemovalCase, 'modelClass' | 'removed'> {
  /** Shapes in the library's own state. */
  readonly shapes: Record<string, readonly number[]>;
  readonly golden: Record<string, FixtureTensor>;
}

/** A fixture with a checkpoint. */
export function readFixture(name: string): ModelCase {
  const weights = constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
  const golden = loadFixtureTensors(`${name}/golden.safetensors`);
  const shapes = Object.fromEntries([...weights].map(([tensor, { shape }]) => [tensor, shape]));
  return { config: readJson(`${name}/config.json`), weights, shapes, golden, feeds: feedsOf(golden) };
}

/** A variant whose weights are made of their names: see tools/reference/transformer_variants.py. */
export function readTransformerVariant(name: string): ModelCase {
  const variant = readVariant(name, 'transformer-variants');
  const golden = loadFixtureTensors(`transformer-variants/${name}.safetensors`);
  const { config, tensors: shapes } = variant;
  return { config, weights: variantWeights(variant), shapes, golden, feeds: feedsOf(golden) };
}

export function expectLibraryTensors(modelClass: ModelClass, { config, shapes }: ModelCase): void {
  const own = modelClass.tensors(config).map(({ name, shape }) => [name, shape] as const);
  expect(Object.fromEntries(own)).toEqual(shapes);
}

/** Inputs as `name dtype [shape]`, and the shape of `out` that follows when the symbols are these sizes. */
export function declared({ graph }: { graph: Graph }, sizes: Record<string, number>) {
  const inputs = graph.inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`);
  return {
    inputs,
    out: inferTypes(graph)
      .get('out')!
      .shape.map((dim) => evaluateDim(dim, sizes)),
  };
}

export function expectLibraryOutput(modelClass: ModelClass, model: ModelCase): void {
  const graph = modelClass.build(model.config, weightsFrom(model.weights), undefined, { strict: true });
  const { out } = evaluateGraph(graph, model.feeds);
  expect(out!.shape).toEqual(model.golden.out!.shape);
  // float32 sums in another order than PyTorch's, over some tens of layers.
  expectClose(out!.data as Float32Array, model.golden.out!.data as Float32Array, 1e-4, 'out');
}

/** {@link expectGradients} of a whole model. */
export function expectLibraryGradients(modelClass: ModelClass, { config, weights, golden, feeds }: ModelCase): void {
  expectGradients(modelClass.build(config, weightsFrom(weights)), golden, feeds);
}

/** The mean squared error's gradients of all parameters, which the golden file has. */
export function expectGradients(
  graph: Graph,
  golden: ModelCase['golden'],
  feeds: ModelCase['feeds'],
  output = 'out',
): void {
  const names = Object.keys(golden).flatMap((name) => (name.startsWith('grad.') ? [name.slice(5)] : []));
  const parameters = [...graph.constants.values()].filter(({ parameter }) => parameter && !parameter.buffer);
  expect(names).toHaveLength(parameters.length);
  const backward = gradient(graph, { loss: { kind: 'mse', output, target: 'target' }, wrt: names });
  const results = evaluateGraph(backward, { ...feeds, target: golden.target! });
  const of = (name: string) => golden[`grad.${name}`]!.data as Float32Array;
  const largest = Math.max(...names.map((name) => of(name).reduce((most, x) => Math.max(most, Math.abs(x)), 0)));
  for (const name of names) {
    // Sums of products of float32 numbers, over the whole depth twice; a zero gradient holds rounding noise.
    expectClose(results[`grad.${name}`]!.data as Float32Array, of(name), 1e-3, name, 1e-4 * largest);
  }
}

/** At least 99 % of the parameters lie in units, and every other is accounted for by a reason that fits. */
export function expectCovered(modelClass: ModelClass, { config, weights }: ModelCase, reasons: RegExp): void {
  const coupling = couple(modelClass.build(config, weightsFrom(weights)));
  expect(coupling.covered / coupling.parameters).toBeGreaterThan(0.99);
  for (const { reason } of coupling.notPruned) expect(reason).toMatch(reasons);
}

/** Weights without those that a model without some modules does not have. */
export function weightsWithout(
  modelClass: ModelClass,
  { config, weights }: Pick<ModelCase, 'config' | 'weights'>,
  removed: readonly string[],
): Map<string, Constant> {
  const all: WeightSource = { ...weightsFrom(weights), names: () => [] };
  const needed = shapesOf(modelClass.build(config, all, { removed }));
  return new Map([...weights].filter(([name]) => needed.has(name)));
}

/** Layers that end a residual branch: with zeros in them the branch adds nothing. */
const lastLayers =
  /\.(?:to_out\.0|to_add_out|ff\.net\.2|ff_context\.net\.2|proj_out|conv2|proj_attn|out_proj|fc2|SelfAttention\.o|wo)\.(?:weight|bias)$/;

/**
 * Removes each module that the class says can go, alone: its tensors are found missing again, the outputs are those of the
 * same model with zeros in the layers that end the module's branches, what is left can be cut, and the model saves, loads and
 * rebuilds.
 */
export async function expectRemovableModules(
  modelClass: ModelClass,
  model: Omit<RemovalCase, 'modelClass' | 'removed'>,
): Promise<void> {
  const { config, weights, feeds, outputs = ['out'] } = model;
  const outline = modelClass.outline(config);
  for (const { path } of outline.removable) {
    const left = weightsWithout(modelClass, model, [path]);
    const graph = modelClass.build(config, weightsFrom(left), { removed: [path] });
    expect(overridesOf(graph, outline).removed, path).toEqual([path]);
    const results = evaluateGraph(graph, feeds);
    const zeroed = evaluateGraph(modelClass.build(config, weightsFrom(withZeros(weights, path))), feeds);
    // Adding zeros is exact; 1e-6 leaves room for a sum that began elsewhere.
    expectSame(results, zeroed, outputs, 1e-6, path);
    const coupling = couple(graph);
    const rest = { modelClass, config, weights: left, feeds, outputs, removed: [path] };
    expect(expectRemovalEqualsRebuild(rest, coupling, randomRemoval(coupling, 3)), path).toBeGreaterThan(0);
    const again = evaluateGraph(await savedAndLoaded(modelClass, config, graph), feeds);
    // Fewer layers are numbered anew, and the states between them with them.
    const unnumbered = outputs.filter((name) => !name.startsWith('hidden_states.'));
    expectSame(again, results, unnumbered, 0, `${path}, loaded`);
  }
}

function expectSame(
  actual: Record<string, Tensor>,
  expected: Record<string, Tensor>,
  outputs: readonly string[],
  tolerance: number,
  label: string,
): void {
  for (const name of outputs) {
    expectClose(
      actual[name]!.data as Float32Array,
      expected[name]!.data as Float32Array,
      tolerance,
      `${label}: ${name}`,
    );
  }
}

function withZeros(weights: ReadonlyMap<string, Constant>, path: string): Map<string, Constant> {
  const silenced = [...weights.keys()].filter((name) => name.startsWith(`${path}.`) && lastLayers.test(name));
  expect(silenced, path).not.toEqual([]);
  return new Map(
    [...weights].map(([name, constant]) => {
      const zeros = () => constantOf(float32(constant.shape, new Float32Array(sizeOf(constant.shape))));
      return [name, silenced.includes(name) ? zeros() : constant];
    }),
  );
}

/** The graph as it comes back from a folder, its values in memory. */
export async function savedAndLoaded(
  modelClass: ModelClass,
  config: Record<string, unknown>,
  graph: Graph,
): Promise<Graph> {
  const out = memoryOutput();
  const model = { ...modelFromWeights(modelClass.name, config, randomWeights(config, 1)), graph };
  await diffusersFormat.save(model, out);
  await out.commit();
  const loaded = await diffusersFormat.load({ folder: memoryFolder(Object.fromEntries(out.files)) });
  return inMemory(loaded.graph);
}
