/**
 * Slots: one for every index of every axis that might be cut. Three facts are recorded about them.
 *
 * - Two slots may be *joined*: they live or die together (union-find).
 * - A slot may be a *conjunction*: alive if and only if all its parts are. Index `i*d + j` of a linear layer that feeds
 *   `h` heads of width `d` is the conjunction of head `i` and inner dimension `j`. Joining two conjunctions joins their
 *   parts pairwise.
 * - A slot may be *pinned*: it cannot go, for a stated reason.
 *
 * A joined class of slots that is not a conjunction is an *atom*: the thing a pruning method keeps or removes.
 */
export class SlotTable {
  private parent: Int32Array = new Int32Array(1024);
  private count = 0;
  private readonly parts = new Map<number, readonly number[]>();
  private readonly pins = new Map<number, string>();
  /** Position among the parts of a conjunction, for slots that are one: 0 is the outermost. */
  private readonly positions = new Map<number, number>();
  private readonly flattened: (readonly number[] | undefined)[] = [];

  /** Number of slots made so far. */
  get size(): number {
    return this.count;
  }

  /** `size` new slots; the number of the first. They are consecutive. */
  allocate(size: number): number {
    const first = this.count;
    this.count += size;
    if (this.count > this.parent.length) {
      const grown = new Int32Array(Math.max(this.count, this.parent.length * 2));
      grown.set(this.parent);
      this.parent = grown;
    }
    for (let slot = first; slot < this.count; slot++) this.parent[slot] = slot;
    return first;
  }

  /** A row of `size` new slots. */
  row(size: number): Int32Array {
    const first = this.allocate(size);
    return Int32Array.from({ length: size }, (_, i) => first + i);
  }

  find(slot: number): number {
    let root = slot;
    while (this.parent[root] !== root) root = this.parent[root];
    while (this.parent[slot] !== root) {
      const next = this.parent[slot];
      this.parent[slot] = root;
      slot = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA === rootB) return;
    // The lower number stays root, so that results do not depend on the order of joins.
    const [root, other] = rootA < rootB ? [rootA, rootB] : [rootB, rootA];
    const partsOfRoot = this.parts.get(root);
    const partsOfOther = this.parts.get(other);
    const pin = this.pins.get(other);
    const position = this.positions.get(other);
    this.parent[other] = root;
    this.parts.delete(other);
    this.pins.delete(other);
    if (position !== undefined && !this.positions.has(root)) this.positions.set(root, position);
    if (partsOfOther) {
      if (partsOfRoot) this.joinParts(partsOfRoot, partsOfOther);
      else {
        this.parts.set(root, partsOfOther);
        const pinOfRoot = this.pins.get(root);
        if (pinOfRoot !== undefined) this.pinAll(partsOfOther, pinOfRoot);
      }
    }
    if (pin !== undefined) this.pin(root, pin);
  }

  private joinParts(a: readonly number[], b: readonly number[]): void {
    if (a.length === b.length) {
      for (let i = 0; i < a.length; i++) this.join(a[i], b[i]);
    } else {
      // The same index seen as products of different shapes: no cut is known to suit both.
      const reason = 'split into heads in two different ways';
      this.pinAll(a, reason);
      this.pinAll(b, reason);
    }
  }

  /** Says that `slot` is alive if and only if all `parts` are. */
  expand(slot: number, parts: readonly number[]): void {
    parts.forEach((part, position) => {
      const root = this.find(part);
      if (!this.positions.has(root)) this.positions.set(root, position);
    });
    const root = this.find(slot);
    const known = this.parts.get(root);
    if (known) this.joinParts(known, parts);
    else {
      this.parts.set(root, parts);
      const pin = this.pins.get(root);
      if (pin !== undefined) this.pinAll(parts, pin);
    }
  }

  pin(slot: number, reason: string): void {
    const root = this.find(slot);
    const parts = this.parts.get(root);
    if (parts) this.pinAll(parts, reason);
    else if (!this.pins.has(root)) this.pins.set(root, reason);
  }

  private pinAll(slots: readonly number[], reason: string): void {
    for (const slot of slots) this.pin(slot, reason);
  }

  pinOf(atom: number): string | undefined {
    return this.pins.get(this.find(atom));
  }

  /** Whether an atom is a part of conjunctions, and which: 0 outermost (heads), 1 inner (head dimensions). */
  positionOf(atom: number): number | undefined {
    return this.positions.get(this.find(atom));
  }

  /** The atoms a slot is the conjunction of; just its own class when it is none. Call after all joins. */
  atomsOf(slot: number): readonly number[] {
    const root = this.find(slot);
    const known = this.flattened[root];
    if (known) return known;
    const parts = this.parts.get(root);
    const atoms = parts ? [...new Set(parts.flatMap((part) => this.atomsOf(part)))] : [root];
    this.flattened[root] = atoms;
    return atoms;
  }
}
