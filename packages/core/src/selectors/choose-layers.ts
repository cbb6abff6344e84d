import { type DepthUnit, type Removal, SecateurError } from '@secateur/graph';
import type { Budget, Cost } from '../budget.js';
import type { SelectContext } from '../selector.js';
import { areDepthUnits, checkDepthSettings } from './rank-depth.js';

type Context = Omit<SelectContext<object>, 'options'>;

/** A layer or block that may go. */
export interface LayerItem {
  readonly id: string;
  /** Innermost layers that go with it. */
  readonly layers: readonly string[];
  /** What it costs to lose it. */
  readonly score: number;
  /** What is saved, >= 0, in the unit of the choice's target. */
  readonly saving: number;
}

/** Which items go, so that at least `target` is saved and some layer stays. */
export interface LayerChoice {
  readonly items: readonly LayerItem[];
  readonly target: number;
  /** What the whole model costs, in the same unit. */
  readonly total: number;
  /** How many layers the model has. */
  readonly layers: number;
}

/** Positions of the items that go, ascending; `undefined` where the target is out of reach. */
export type LayerSolver = (choice: LayerChoice) => number[] | undefined;

const measures: Record<'params' | 'macs' | 'bytes', keyof Cost> = {
  params: 'parameters',
  macs: 'macs',
  bytes: 'bytes',
};

/** Latency is measured once more after a choice, and more taken where that was too little: at most so many times. */
const ROUNDS = 4;

/**
 * Chooses layers by a solver whose items save what each saves by itself. Of a ratio that much of the parameters goes. With a
 * latency budget every item is measured alone first, and what is chosen as a whole.
 *
 * @throws {SecateurError} BAD_OPTION where there are no layers to choose from; CANNOT_PRUNE when the budget is out of reach,
 *   with what can be reached; MISSING_NEED for a latency budget without an engine
 */
export async function chooseLayers(context: Context, name: string, solve: LayerSolver): Promise<Removal> {
  const { groups, budget } = context;
  if (!areDepthUnits(groups)) {
    throw new SecateurError('BAD_OPTION', `Selector "${name}" chooses among whole layers.`, {
      plugin: name,
      hint: 'Add --space branches (or layers, blocks, pairs), or choose the selector local or global.',
    });
  }
  checkDepthSettings(context);
  if (context.maxRatio < 1) {
    throw new SecateurError('BAD_OPTION', `Selector "${name}" takes no maxRatio: layers go whole.`, {
      plugin: name,
      field: 'maxRatio',
    });
  }
  const layers = new Set(context.coupling.depth.flatMap((unit) => unit.layers)).size;
  if (budget.kind === 'latency') return chooseByLatency(context, groups, budget.remaining, layers, solve);
  const measure = measures[budget.kind === 'ratio' ? 'params' : budget.kind];
  const saved = context.savings(groups);
  const total = context.before[measure];
  const items = groups.map((unit) => itemOf(context, unit, saved.get(unit.id)![measure]));
  const target = shareToGo(budget) * total;
  return removalOf(
    items,
    solve({ items, target, total, layers }) ?? outOfReach({ items, target, total, layers }, budget),
  );
}

async function chooseByLatency(
  context: Context,
  units: readonly DepthUnit[],
  remaining: number,
  layers: number,
  solve: LayerSolver,
): Promise<Removal> {
  const { latency, budget } = context;
  if (!latency) {
    throw new SecateurError('MISSING_NEED', 'A latency budget needs an engine to measure on.', {
      field: 'budget',
      hint: 'Pass `engine` to prune().',
    });
  }
  const total = await latency(new Map());
  const items: LayerItem[] = [];
  for (const unit of units) {
    // A clock may say that a layer costs less than nothing.
    const saving = Math.max(0, total - (await latency(new Map([[unit.id, [0]]]))));
    items.push(itemOf(context, unit, saving));
  }
  let target = (1 - remaining) * total;
  for (let round = 0; ; round++) {
    const choice = { items, target, total, layers };
    const removal = removalOf(items, solve(choice) ?? outOfReach(choice, budget));
    const left = await latency(removal);
    if (left <= remaining * total || round === ROUNDS) return removal;
    target += left - remaining * total;
  }
}

function itemOf({ scores }: Context, { id, layers }: DepthUnit, saving: number): LayerItem {
  return { id, layers, saving, score: scores.get(id)![0] };
}

function shareToGo(budget: Exclude<Budget, { kind: 'latency' }>): number {
  return budget.kind === 'ratio' ? budget.ratio : 1 - budget.remaining;
}

function removalOf(items: readonly LayerItem[], chosen: readonly number[]): Removal {
  return new Map(chosen.map((at) => [items[at].id, [0]]));
}

function outOfReach(choice: LayerChoice, budget: Budget): never {
  const [what, asked] = budget.kind === 'ratio' ? ['params', 1 - budget.ratio] : [budget.kind, budget.remaining];
  const least = 1 - mostSaved(choice) / choice.total;
  throw new SecateurError(
    'CANNOT_PRUNE',
    `The largest possible cut leaves ${what}=${least.toFixed(3)}; ${Number(asked.toFixed(6))} was asked for.`,
    { field: 'budget', hint: 'Remove less, ignore fewer layers, or make what is left narrower.' },
  );
}

/** What all items together save that do not lie in one another, the larger ones first, some layer left. */
function mostSaved({ items, layers }: LayerChoice): number {
  const gone = new Set<string>();
  let saved = 0;
  for (const item of [...items].sort((a, b) => b.saving - a.saving)) {
    if (item.layers.some((layer) => gone.has(layer)) || gone.size + item.layers.length >= layers) continue;
    for (const layer of item.layers) gone.add(layer);
    saved += item.saving;
  }
  return saved;
}

/** Layers that go with some items. */
export function layersOf(items: readonly LayerItem[], chosen: readonly number[]): Set<string> {
  return new Set(chosen.flatMap((at) => items[at].layers));
}
