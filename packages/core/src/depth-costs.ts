import { bytesPerElement, type Coupling, countMacs, type DepthUnit, sizeOf } from '@secateur/graph';
import type { Cost } from './budget.js';
import type { Model } from './model.js';

/**
 * What removing each of some layers or blocks saves by itself, by id: parameters, MACs and bytes. Reads no weights, and makes
 * no cut. Savings of units that lie in one another, or that share what leads to them, do not add up.
 *
 * @param units  default: all of the coupling's
 */
export function depthCosts(
  model: Pick<Model, 'sizes'>,
  coupling: Coupling,
  units: readonly DepthUnit[] = coupling.depth,
): Map<string, Cost> {
  // Of a graph with unknown operators nothing is counted: there are no units either.
  if (units.length === 0) return new Map();
  const { graph, ops, types } = coupling.flow;
  const symbols = { ...model.sizes, batch: 1 };
  const { byNode } = countMacs(graph, { ops, types, symbols });
  return new Map(
    units.map(({ id, parameters, nodes, slices }) => {
      let [macs, attentionMacs, bytes] = [0, 0, 0];
      for (const at of nodes) {
        macs += byNode.get(at)?.weights ?? 0;
        attentionMacs += byNode.get(at)?.products ?? 0;
      }
      for (const { value } of slices) {
        const { shape, storedAs, dtype } = graph.constants.get(value)!;
        bytes += sizeOf(shape) * bytesPerElement(storedAs ?? dtype);
      }
      return [id, { parameters, macs, attentionMacs, bytes }];
    }),
  );
}
