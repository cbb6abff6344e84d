import type { Coupling, Group } from '../coupling/groups.js';
import type { DepthUnit } from '../depth/depth-units.js';
import { SecateurError } from '../errors.js';
import type { Constant, Graph } from '../graph.js';
import { allocate, bytesOf, lazyTensor, sizeOf, type Tensor } from '../tensor.js';
import { Liveness } from './liveness.js';
import { partsOf, type Removal } from './removal.js';

/**
 * Sets every weight that belongs to the units to zero and leaves shapes alone. Where no normalisation over the zeroed
 * axis follows, the outputs equal those after removal; a normalisation sees other statistics and the two differ. Heads,
 * neurons, outputs that modulate, layers and blocks have none: zeroed and removed they compute the same.
 *
 * @throws {SecateurError} as `removeUnits`; BAD_OPTION for a stage, a pair, or a layer whose input is passed on in part
 */
export function zeroUnits(coupling: Coupling, removal: Removal): Graph {
  const { graph } = coupling.flow;
  const { slots, modulations, depth } = partsOf(coupling, removal);
  new Liveness(coupling, slots);
  const zeroed = new Map<string, { axis: number; indices: Set<number> }[]>();
  for (const group of coupling.groups) {
    const units = slots.get(group.id);
    if (units) collect(group, units, zeroed);
  }
  for (const [group, units] of modulations) collect(group, [...units], zeroed);
  for (const unit of depth) {
    checkZeroable(unit);
    collect(unit, [0], zeroed);
  }
  const constants = new Map<string, Constant>(graph.constants);
  for (const [value, cuts] of zeroed) {
    const constant = graph.constants.get(value)!;
    const apply = (tensor: Tensor) => cuts.reduce((result, cut) => zeroIndices(result, cut.axis, cut.indices), tensor);
    const { dtype, shape, value: whole } = constant;
    const inMemory = whole && lazyTensor(dtype, shape, () => apply(whole).data);
    constants.set(value, {
      ...constant,
      value: inMemory,
      read: async () => inMemory ?? apply(await constant.read()),
      location: undefined,
    });
  }
  return { ...graph, constants };
}

/** Beside its input a branch of zeros adds nothing; where something else takes its place, zeros are another network. */
function checkZeroable({ id, kind, treatment }: DepthUnit): void {
  if (treatment !== 'pass' && kind !== 'stage') return;
  throw new SecateurError('BAD_OPTION', `"${id}" can be removed, not zeroed: something else takes its place.`, {
    field: id,
    hint: kind === 'layer' ? `Zero "${id.replace(/:pass$/, '')}".` : undefined,
  });
}

function collect(
  group: Group,
  units: readonly number[],
  into: Map<string, { axis: number; indices: Set<number> }[]>,
): void {
  for (const slice of group.slices) {
    const indices = new Set<number>();
    for (const unit of units) {
      for (let k = 0; k < slice.perUnit; k++) indices.add(slice.indices[unit * slice.perUnit + k]);
    }
    const list = into.get(slice.value) ?? [];
    list.push({ axis: slice.valueAxis, indices });
    into.set(slice.value, list);
  }
}

function zeroIndices(tensor: Tensor, axis: number, indices: ReadonlySet<number>): Tensor {
  const data = allocate(tensor.dtype, tensor.data.length);
  bytesOf({ ...tensor, data }).set(bytesOf(tensor));
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const size = tensor.shape[axis];
  const outer = sizeOf(tensor.shape.slice(0, axis));
  const zero = new (data.constructor as { new (length: number): Float32Array })(inner);
  for (let o = 0; o < outer; o++) {
    for (const index of indices) (data as Float32Array).set(zero, (o * size + index) * inner);
  }
  return { ...tensor, data };
}
