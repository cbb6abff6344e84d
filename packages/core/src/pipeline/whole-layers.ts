import { type DepthUnit, type Group, SecateurError } from '@secateur/graph';
import { unitsOfSpace } from '../layer-units.js';
import type { MethodContext } from '../method.js';
import { matches } from '../name-pattern.js';
import type { CellPlan } from '../norm-rules.js';
import { isDepth, type Space } from '../space.js';

type UnitSpace = Extract<Space, { kind: 'units' }>;

/** What there is to choose from. */
export interface Choice<Unit extends Group = Group> {
  readonly plan: CellPlan;
  readonly eligible: readonly Unit[];
  /** Groups left alone, and why. */
  readonly leftWhole: Map<string, string>;
}

export function isLayerSpace(space: Space): space is UnitSpace {
  return space.kind === 'units' && space.units.every(isDepth);
}

/**
 * Layers and blocks. No rule divides them into cells: each is a group of one.
 *
 * @throws {SecateurError} CANNOT_PRUNE when there are none
 */
export function wholeLayers(
  { coupling, settings }: Pick<MethodContext<object>, 'coupling' | 'settings'>,
  space: UnitSpace,
): Choice<DepthUnit> {
  const leftWhole = new Map<string, string>();
  const eligible = unitsOfSpace(coupling, space, settings.treatment).filter((group) => {
    const ignored = settings.ignore.find((pattern) => hasTensor(group, pattern));
    if (ignored) leftWhole.set(group.id, `ignored by "${ignored}"`);
    return !ignored;
  });
  if (eligible.length === 0) {
    throw new SecateurError('CANNOT_PRUNE', `There is nothing to remove in the space "${space.name}".`, {
      field: 'space',
      hint: '`secateur inspect MODEL` lists what can be removed.',
    });
  }
  return { plan: { cells: new Map(), leftWhole: new Map() }, eligible, leftWhole };
}

export function hasTensor(group: Group, pattern: string): boolean {
  return group.slices.some(({ tensor }) => matches(pattern, tensor));
}
