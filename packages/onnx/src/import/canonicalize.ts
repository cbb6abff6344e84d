import { foldConstants, type Graph, type OpSet } from '@secateur/graph';
import { absorbViews } from './absorb-views.js';
import { fuseGroupNorm } from './fuse-group-norm.js';
import { type RecoverOptions, recoverParameters } from './recover-parameters.js';

export interface CanonicalizeOptions extends RecoverOptions {
  /** Operators known. Default: the graph package's. */
  ops?: OpSet;
}

/**
 * Brings an exporter's graph to the form that everything else works on: checkpoint names and axes on parameters, module
 * scopes on nodes, shape arithmetic folded, group normalisations as single nodes. Computes the same function.
 *
 * @throws {SecateurError} UNKNOWN_OP listing every operator that is not known; SHAPE_MISMATCH
 */
export function canonicalize(graph: Graph, options: CanonicalizeOptions = {}): Graph {
  const { ops } = options;
  // Names first: folding leaves parameters alone, and must know which they are.
  const named = recoverParameters(graph, options);
  const folded = foldConstants(named, ops ? { ops } : {});
  return fuseGroupNorm(absorbViews(folded, ops), ops);
}
