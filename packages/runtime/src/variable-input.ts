import { type Graph, SecateurError, type ValueInfo } from '@secateur/graph';

/** A constant as an input. @throws {SecateurError} BAD_OPTION when there is none of that name */
export function variableInput(graph: Graph, name: string): ValueInfo {
  const constant = graph.constants.get(name);
  if (constant) return { name, dtype: constant.dtype, shape: constant.shape };
  throw new SecateurError('BAD_OPTION', `"${name}" is to be variable, and the graph has no constant of that name.`, {
    field: name,
    hint: 'Name constants of the graph, not checkpoint tensors.',
  });
}
