import { type Model, parametersOf } from '@secateur/core';
import { type Constant, type Graph, SecateurError } from '@secateur/graph';
import type { ModelClass } from '../model-class.js';
import type { Overrides } from '../overrides.js';
import { sameNetwork } from '../same-network.js';
import { type Outline, overridesOf, shapesOf } from '../structure.js';
import { weightsFrom } from '../weight-source.js';

/**
 * What must be said of a pruned model beside its configuration.
 * @throws {SecateurError} CANNOT_PRUNE when a model built from that would not be the same network
 */
export function overridesFor(modelClass: ModelClass, { config, graph, name }: Model, outline: Outline): Overrides {
  const overrides = overridesOf(graph, outline);
  if (overrides.removed!.length === 0) return overrides;
  let rebuilt: Graph | undefined;
  try {
    rebuilt = modelClass.build(config, weightsFrom(checkpointTensors(graph, outline)), overrides);
  } catch (error) {
    if (!(error instanceof SecateurError && error.code === 'BAD_FILE')) throw error;
  }
  const names = rebuilt && sameNetwork(graph, rebuilt);
  if (names && [...names].every(([own, other]) => own === other)) return overrides;
  throw new SecateurError('CANNOT_PRUNE', `What is left of ${name} cannot be described as a ${modelClass.name}.`, {
    field: overrides.removed![0],
    hint: 'Save it as ONNX (--emit onnx), or leave out other layers.',
  });
}

/** Tensors that a checkpoint of the graph holds: a buffer that stock libraries compute only when it was cut. */
function checkpointTensors(graph: Graph, outline: Outline): Map<string, Constant> {
  const usual = shapesOf(outline.graph);
  const tensors = new Map<string, Constant>();
  for (const [name, { constant }] of parametersOf(graph)) {
    const isUsual = usual.get(name)?.join() === constant.shape.join();
    if (!(constant.parameter!.computed && isUsual)) tensors.set(name, constant);
  }
  return tensors;
}
