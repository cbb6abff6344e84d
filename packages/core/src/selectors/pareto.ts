import { SecateurError } from '@secateur/graph';
import { isInside } from '../layer-units.js';
import { type LayerChoice, type LayerItem, layersOf } from './choose-layers.js';

/** A choice among some items that no other beats in both what it saves and what it costs. */
interface State {
  /** At most the target: more is worth no more. */
  readonly saving: number;
  readonly score: number;
  /** Position of an item taken, -1 for none; and the states that this one was made from. */
  readonly item: number;
  readonly from?: State;
  readonly and?: State;
}

/** More states than this at once take too long. */
const MOST_STATES = 2 ** 21;

/**
 * The items of the lowest sum of scores whose savings reach the target: the 0/1 knapsack in its covering form, solved exactly.
 *
 * All choices are built up item by item, and of those that save as much and cost more, none is kept (Nemhauser and Ullmann,
 * 1969). Savings are not rounded, so that nothing but the sums' last bits separates the result from that of trying all
 * subsets. Of items that lie in one another at most one goes; they must do so wholly. Equal choices go by index.
 *
 * @returns positions of the items, ascending; `undefined` where the target is out of reach
 * @throws {SecateurError} CANNOT_PRUNE for items that overlap otherwise, and where there are too many choices to keep
 */
export function cheapestCover(choice: LayerChoice): number[] | undefined {
  const { items, layers } = choice;
  const chosen = coverOf(choice, [...items.keys()]);
  if (!chosen || layersOf(items, chosen).size < layers) return chosen;
  // Some layer has to stay. Each in turn: one of these choices is the cheapest.
  let best: number[] | undefined;
  for (const layer of layersOf(items, chosen)) {
    const others = [...items.keys()].filter((at) => !items[at].layers.includes(layer));
    const other = coverOf(choice, others);
    if (other && (!best || sumOfScores(items, other) < sumOfScores(items, best))) best = other;
  }
  return best;
}

function sumOfScores(items: readonly LayerItem[], chosen: readonly number[]): number {
  return chosen.reduce((sum, at) => sum + items[at].score, 0);
}

const nothing: State = { saving: 0, score: 0, item: -1 };

function coverOf({ items, target }: LayerChoice, among: readonly number[]): number[] | undefined {
  const roots = forestOf(items, among).map((tree) => statesOf(items, tree, target));
  // What the trees from each on can save at most: a choice that cannot reach the target with all of it is dropped.
  const reach = [0];
  for (const states of [...roots].reverse()) reach.unshift(reach[0] + Math.max(...states.map(({ saving }) => saving)));
  let front: readonly State[] = [nothing];
  for (const [i, states] of roots.entries()) {
    const lowest = target - reach[i + 1] - 1e-9 * Math.abs(target);
    front = undominated(pairsOf(front, states, target).filter(({ saving }) => saving >= lowest));
  }
  const reached = front.find(({ saving }) => saving >= target);
  return reached && takenBy(reached).sort((a, b) => a - b);
}

function takenBy({ item, from, and }: State): number[] {
  return [...(item < 0 ? [] : [item]), ...(from ? takenBy(from) : []), ...(and ? takenBy(and) : [])];
}

/** An item and those that lie in it. */
interface Tree {
  readonly item: number;
  readonly inside: Tree[];
}

function forestOf(items: readonly LayerItem[], among: readonly number[]): Tree[] {
  const order = [...among].sort((a, b) => items[b].layers.length - items[a].layers.length || a - b);
  const roots: Tree[] = [];
  for (const item of order) {
    let siblings = roots;
    for (;;) {
      const around = siblings.find((tree) => overlap(items[tree.item], items[item]));
      if (!around) break;
      if (!isInside(items[item], items[around.item])) {
        throw new SecateurError(
          'CANNOT_PRUNE',
          `${items[item].id} and ${items[around.item].id} have some layers in common.`,
          {
            field: items[item].id,
            hint: 'Choose among units that lie in one another wholly or not at all, or take the selector greedy.',
          },
        );
      }
      siblings = around.inside;
    }
    siblings.push({ item, inside: [] });
  }
  return roots;
}

function overlap({ layers }: LayerItem, other: LayerItem): boolean {
  return layers.some((layer) => other.layers.includes(layer));
}

/** Choices within a tree: what lies in the item, some of it, or the item itself. */
function statesOf(items: readonly LayerItem[], { item, inside }: Tree, target: number): readonly State[] {
  let states: readonly State[] = [nothing];
  for (const tree of inside) states = undominated(pairsOf(states, statesOf(items, tree, target), target));
  const { saving, score } = items[item];
  return undominated([...states, { saving: Math.min(saving, target), score, item }]);
}

function pairsOf(front: readonly State[], others: readonly State[], target: number): State[] {
  if (front.length * others.length > MOST_STATES) {
    throw new SecateurError('CANNOT_PRUNE', `There are over ${MOST_STATES} choices to compare.`, {
      field: 'selector',
      hint: 'Choose among fewer layers, or take the selector greedy.',
    });
  }
  return others.flatMap((and) =>
    front.map((from): State => {
      if (and === nothing) return from;
      const saving = Math.min(target, from.saving + and.saving);
      return { saving, score: from.score + and.score, item: -1, from, and };
    }),
  );
}

/** Sorted by what they save, most first: of those that save as much or less, only the cheaper ones. */
function undominated(states: readonly State[]): State[] {
  const sorted = [...states].sort((a, b) => b.saving - a.saving || a.score - b.score);
  const kept: State[] = [];
  let best = Number.POSITIVE_INFINITY;
  for (const state of sorted) {
    if (state.score >= best) continue;
    best = state.score;
    kept.push(state);
  }
  return kept;
}
