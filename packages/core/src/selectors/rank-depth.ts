import type { DepthUnit, Group, Removal } from '@secateur/graph';
import { SecateurError } from '@secateur/graph';
import type { SelectContext } from '../selector.js';
import { isDepth } from '../space.js';

type Context = Omit<SelectContext<object>, 'options'>;

/** Whether the groups to choose from are layers or blocks: groups of one, which are ranked together. */
export function areDepthUnits(groups: readonly Group[]): groups is readonly DepthUnit[] {
  return groups.length > 0 && groups.every(({ kind }) => isDepth(kind));
}

/**
 * Removes the lowest-scored of some layers or blocks. A unit that lies in one that went before costs nothing and is not
 * counted; one that would leave no layer is passed over.
 *
 * @param level  the largest share of the units that is chosen, in [0, 1)
 */
export function cutRanked(context: Context, units: readonly DepthUnit[], level: number): Removal {
  // 1e-9: a share such as 0.29 of 100 units comes out a hair below 29.
  const most = Math.floor(units.length * Math.min(level, context.maxRatio) + 1e-9);
  const all = new Set(context.coupling.depth.flatMap((unit) => unit.layers));
  const scoreOf = (i: number): number => context.scores.get(units[i].id)![0];
  const order = [...units.keys()].sort((a, b) => scoreOf(a) - scoreOf(b) || a - b);
  const gone = new Set<string>();
  const removal = new Map<string, readonly number[]>();
  for (const i of order) {
    if (removal.size === most) break;
    const { id, layers } = units[i];
    const added = layers.filter((layer) => !gone.has(layer));
    if (added.length === 0 || gone.size + added.length === all.size) continue;
    for (const layer of added) gone.add(layer);
    removal.set(id, [0]);
  }
  return removal;
}

/** @throws {SecateurError} BAD_OPTION for settings that mean nothing for layers */
export function checkDepthSettings({ roundTo, ratios }: Pick<Context, 'roundTo' | 'ratios'>): void {
  const unused = roundTo > 1 ? 'roundTo' : Object.keys(ratios).length > 0 ? 'ratios' : undefined;
  if (!unused) return;
  throw new SecateurError('BAD_OPTION', `${unused} is about widths; layers go whole.`, {
    field: unused,
    hint: 'Leave it out; --ignore keeps layers from going.',
  });
}
