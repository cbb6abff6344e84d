import { evaluateGraph, gradient, type Tensor } from '@secateur/graph';
import { expectClose, type FixtureTensor, loadFixtureTensors } from '@secateur/testkit';
import { expect } from 'vitest';
import { modelClassOf, weightsFrom } from '../../src/index.js';
import { feedsOf } from './fixtures.js';
import type { RemovalCase } from './removal.js';
import { readVariant, variantWeights } from './variants.js';

/** A small text encoder and what transformers computes for it: see tools/reference/text_encoders.py. */
export interface TextCase extends RemovalCase {
  readonly shapes: Record<string, readonly number[]>;
  readonly golden: Record<string, FixtureTensor>;
  readonly outputs: readonly string[];
}

export function readTextEncoder(name: string): TextCase {
  const variant = readVariant(name, 'text-encoders');
  const golden = loadFixtureTensors(`text-encoders/${name}.safetensors`);
  const { config, tensors: shapes } = variant;
  const outputs = Object.keys(golden).flatMap((key) => (/^out(?:\.|$)/.test(key) ? [key.replace(/^out\./, '')] : []));
  const modelClass = modelClassOf(config);
  return { modelClass, config, shapes, weights: variantWeights(variant), feeds: feedsOf(golden), golden, outputs };
}

export const graphOf = ({ modelClass, config, weights }: RemovalCase) =>
  modelClass.build(config, weightsFrom(weights), undefined, { strict: true });

/** Every output that the library has, and no other, within 1e-4: float32 sums in another order, over a few layers. */
export function expectLibraryOutputs(model: TextCase): void {
  const results = evaluateGraph(graphOf(model), model.feeds);
  expect(Object.keys(results).sort()).toEqual([...model.outputs].sort());
  for (const name of model.outputs) {
    const wanted = model.golden[name === 'out' ? name : `out.${name}`]!;
    expect(results[name].shape, name).toEqual(wanted.shape);
    expectClose(results[name].data as Float32Array, wanted.data as Float32Array, 1e-4, name);
  }
}

/** The mean squared error's gradients of all parameters, within 1e-3 of the library's. */
export function expectLibraryGradients(model: TextCase): void {
  const { golden, shapes, feeds } = model;
  const wrt = Object.keys(shapes);
  const graph = gradient(graphOf(model), { loss: { kind: 'mse', output: 'out', target: 'target' }, wrt });
  const results: Record<string, Tensor> = evaluateGraph(graph, { ...feeds, target: golden.target! });
  const of = (name: string) => golden[`grad.${name}`]!.data as Float32Array;
  const largest = Math.max(...wrt.map((name) => magnitude(of(name))));
  for (const name of wrt) {
    const difference = (results[`grad.${name}`]!.data as Float32Array).map((value, i) => value - of(name)[i]!);
    // The bias of the keys has a gradient of zero, of which PyTorch holds the rounding: hence the floor.
    expect(magnitude(difference) / Math.max(magnitude(of(name)), 1e-4 * largest), name).toBeLessThan(1e-3);
  }
}

function magnitude(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
