import { type Constant, type Graph, ints } from '@secateur/graph';
import { transposed } from '../views.js';
import { withStoredConstants } from './stored-constants.js';

/**
 * Gives every parameter that the graph reads transposed the checkpoint's own order of axes, followed by a `Transpose`.
 *
 * So one copy of the weights serves the checkpoint and the ONNX file: inlining the transposed ones instead would store
 * every linear layer twice, which in a transformer is nearly the whole model. A parameter that is both transposed and has
 * axes inserted stays as it is.
 */
export function asInCheckpoint(graph: Graph, isStored: (parameterName: string) => boolean): Graph {
  return withStoredConstants(graph, (_, constant) => {
    const { parameter } = constant;
    if (!parameter || !isStored(parameter.name) || hasCheckpointBytes(constant)) return undefined;
    if (parameter.axes.includes(null)) return undefined;
    const perm = parameter.axes as readonly number[];
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return { constant: transposed(constant, inverse), op: 'Transpose', attributes: { perm: ints(perm) } };
  });
}

/** Whether the constant's bytes are the checkpoint tensor's: inserted axes of size 1 do not change them. */
export function hasCheckpointBytes({ parameter }: Constant): boolean {
  const axes = parameter?.axes.filter((axis) => axis !== null);
  return axes?.every((axis, i) => axis === i) ?? false;
}
