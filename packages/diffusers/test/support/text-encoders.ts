import { evaluateGraph } from '@secateur/graph';
import { expectClose, loadFixtureTensors } from '@secateur/testkit';
import { expect } from 'vitest';
import { type ModelClass, modelClassOf, weightsFrom } from '../../src/index.js';
import { feedsOf } from './fixtures.js';
import type { ModelCase } from './model-class.js';
import { readVariant, variantWeights } from './variants.js';

/** A small text encoder and what transformers computes for it: see tools/reference/text_encoders.py. */
export interface TextCase extends ModelCase {
  readonly modelClass: ModelClass;
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

export const graphOf = ({ modelClass, config, weights }: TextCase) =>
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
