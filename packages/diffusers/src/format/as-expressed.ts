import type { Model } from '@secateur/core';
import { type Constant, parameterNamed } from '@secateur/graph';
import { modelClassOf } from '../model-classes.js';
import { weightsFrom } from '../weight-source.js';

/**
 * The model as the configuration that says its cut has it: under that configuration, its tensors named as it numbers its
 * layers. The model itself where no configuration of its class can say the cut, or where it has no class.
 */
export function asExpressed(model: Model): Model {
  const { config, graph } = model;
  if (!config) return model;
  const modelClass = modelClassOf(config, model.name);
  const expressed = modelClass.expressed(config, graph);
  if (!expressed || expressed.config === config) return model;
  if (expressed.names.size === 0) return { ...model, config: expressed.config };
  const weights = new Map<string, Constant>();
  for (const constant of graph.constants.values()) {
    const { parameter, shape } = constant;
    if (!parameter || parameter.computed) continue;
    const name = expressed.names.get(parameter.name) ?? parameter.name;
    weights.set(name, { ...constant, parameter: parameterNamed(name, shape, parameter.buffer) });
  }
  return { ...model, config: expressed.config, graph: modelClass.build(expressed.config, weightsFrom(weights)) };
}
