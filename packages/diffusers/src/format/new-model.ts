import type { Model } from '@secateur/core';
import { modelClassOf } from '../model-classes.js';
import type { Overrides } from '../overrides.js';
import { randomTensors } from '../random-weights.js';
import type { WeightSource } from '../weight-source.js';

/**
 * A model from a configuration and weights in memory or still to be drawn, ready to be saved.
 *
 * @throws {SecateurError} BAD_CONFIG; BAD_FILE when the weights do not fit
 */
export function modelFromWeights(
  name: string,
  config: Readonly<Record<string, unknown>>,
  weights: WeightSource,
  overrides?: Overrides,
): Model {
  const modelClass = modelClassOf(config, name);
  return {
    name,
    graph: modelClass.build(config, weights, overrides),
    format: 'diffusers',
    className: modelClass.name,
    config,
    sizes: modelClass.sizes(config),
    parts: modelClass.parts,
    ties: (coupling, roundTo) => modelClass.ties(config, coupling, roundTo),
    files: async () => [],
  };
}

/**
 * Weights for a configuration, on the scale that PyTorch starts from: same seed, same bytes.
 *
 * @param seed  a whole number, 0 to 2^53 - 1
 * @throws {SecateurError} BAD_CONFIG
 */
export function randomWeights(config: unknown, seed: number): WeightSource {
  return randomTensors(modelClassOf(config).tensors(config), seed);
}
