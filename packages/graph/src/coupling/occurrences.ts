import type { SlotFlow } from './flow.js';

/**
 * Where every atom occurs: for each, the axes of constants that it lies on and its indices there, axes in the order in
 * which the graph reads them, indices ascending. Atoms are numbered in the order in which they are first met.
 */
export interface Occurrences {
  /** Number of atoms. */
  readonly count: number;
  /** Slot that stands for each atom. `[count]` */
  readonly slots: Int32Array;
  /** Occurrences of atom `i` lie at `starts[i]` up to `starts[i + 1]`. `[count + 1]` */
  readonly starts: Int32Array;
  /** Position in `flow.constantAxes` of each occurrence. */
  readonly axes: Int32Array;
  /** Index along that axis of each occurrence. */
  readonly indices: Int32Array;
  /** By position in `flow.constantAxes`: whether some index is the conjunction of several atoms. */
  readonly isProduct: Uint8Array;
  /** Conjunctions: how many atoms, then their numbers, the outermost first; -1 for an atom that nowhere occurs. */
  readonly products: Int32Array;
  /** Where in `products` the conjunction that a slot is begins; 0 when it is none. */
  productOf(slot: number): number;
  /** Number of the one atom that a slot is; -1 when it is a conjunction, or nowhere occurs. */
  atomOf(slot: number): number;
}

export function occurrencesOf({ constantAxes, table }: SlotFlow): Occurrences {
  const { atoms, conjunctions } = table.resolve();
  // By slot: number of the atom plus 1.
  const numbers = new Int32Array(table.size);
  const slotOf = new Int32Array(table.size);
  const sizes = new Int32Array(table.size);
  const isProduct = new Uint8Array(constantAxes.length);
  let count = 0;
  let total = 0;
  const meet = (atom: number): void => {
    if (numbers[atom] === 0) {
      slotOf[count] = atom;
      numbers[atom] = ++count;
    }
    sizes[numbers[atom] - 1]++;
    total++;
  };
  constantAxes.forEach(({ slots }, axis) => {
    for (let index = 0; index < slots.length; index++) {
      const atom = atoms[slots[index]];
      if (atom >= 0) meet(atom);
      else {
        isProduct[axis] = 1;
        for (let k = 1; k <= conjunctions[-atom]; k++) meet(conjunctions[-atom + k]);
      }
    }
  });

  const starts = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = starts[i] + sizes[i];
  const next = starts.slice();
  const axes = new Int32Array(total);
  const indices = new Int32Array(total);
  const place = (atom: number, axis: number, index: number): void => {
    const at = next[numbers[atom] - 1]++;
    axes[at] = axis;
    indices[at] = index;
  };
  constantAxes.forEach(({ slots }, axis) => {
    for (let index = 0; index < slots.length; index++) {
      const atom = atoms[slots[index]];
      if (atom >= 0) place(atom, axis, index);
      else for (let k = 1; k <= conjunctions[-atom]; k++) place(conjunctions[-atom + k], axis, index);
    }
  });

  for (let p = 1; p < conjunctions.length && conjunctions[p] > 0; p += conjunctions[p] + 1) {
    for (let k = 1; k <= conjunctions[p]; k++) conjunctions[p + k] = numbers[conjunctions[p + k]] - 1;
  }
  return {
    count,
    slots: slotOf.slice(0, count),
    starts,
    axes,
    indices,
    isProduct,
    products: conjunctions,
    productOf: (slot) => Math.max(0, -atoms[slot]),
    atomOf: (slot) => (atoms[slot] < 0 ? -1 : numbers[atoms[slot]] - 1),
  };
}

/** Numbers of the atoms that have the same key and occur on the same axes, as often on each; in order of appearance. */
export function bucketsOf(occurrences: Occurrences, keys: Int32Array): number[][] {
  const buckets: number[][] = [];
  const byHash = new Map<number, number[][]>();
  const isAlike = (a: number, b: number): boolean => keys[a] === keys[b] && haveSameAxes(occurrences, a, b);
  let last: number[] | undefined;
  for (let atom = 0; atom < occurrences.count; atom++) {
    // Neighbours are mostly alike: the channels of one layer.
    if (last && isAlike(last[0], atom)) {
      last.push(atom);
      continue;
    }
    const hash = hashOf(occurrences, keys[atom], atom);
    let candidates = byHash.get(hash);
    if (!candidates) byHash.set(hash, (candidates = []));
    last = candidates.find(([first]) => isAlike(first, atom));
    if (last) last.push(atom);
    else {
      last = [atom];
      candidates.push(last);
      buckets.push(last);
    }
  }
  return buckets;
}

/** FNV-1a over the key and the axes, each as often as the atom occurs on it. */
function hashOf({ starts, axes }: Occurrences, key: number, atom: number): number {
  let hash = Math.imul(0x811c9dc5 ^ key, 0x01000193);
  for (let i = starts[atom]; i < starts[atom + 1]; i++) hash = Math.imul(hash ^ axes[i], 0x01000193);
  return hash;
}

function haveSameAxes({ starts, axes }: Occurrences, a: number, b: number): boolean {
  const length = starts[a + 1] - starts[a];
  if (starts[b + 1] - starts[b] !== length) return false;
  for (let i = 0; i < length; i++) if (axes[starts[a] + i] !== axes[starts[b] + i]) return false;
  return true;
}
