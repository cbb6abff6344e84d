import { foldConstants, type Graph, type OpSet, unknownOps } from '@secateur/graph';
import { absorbViews } from './absorb-views.js';
import { fuseGroupNorm } from './fuse-group-norm.js';
import { ownScales } from './own-scales.js';
import { type RecoverOptions, recoverParameters } from './recover-parameters.js';

export interface CanonicalizeOptions extends RecoverOptions {
  /** Operators known. Default: the graph package's. */
  ops?: OpSet;
}

/**
 * Brings an exporter's graph to the form that everything else works on: checkpoint names and axes on parameters, module
 * scopes on nodes, shape arithmetic folded, group normalisations as single nodes, norms with scales of their own. Computes
 * the same function.
 *
 * A graph with operators that are not known gets names and absorbed transpositions only.
 *
 * @throws {SecateurError} SHAPE_MISMATCH
 */
export function canonicalize(graph: Graph, options: CanonicalizeOptions = {}): Graph {
  const { ops } = options;
  // Names first: folding leaves parameters alone, and must know which they are.
  const named = recoverParameters(graph, options);
  // Without all types nothing but names can be had: inspecting, and methods over single weights, need no more.
  if (unknownOps(named, ops).length > 0) return absorbViews(named, ops);
  const folded = foldConstants(named, ops ? { ops } : {});
  return ownScales(fuseGroupNorm(absorbViews(folded, ops), ops));
}
