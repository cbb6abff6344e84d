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
 *
 * SDXL has more than a million slots, so all of it lies in typed arrays.
 */
export class SlotTable {
  private count = 0;
  private parent: Int32Array;
  /** By root: where its parts begin in `pool`, their number first; 0 when it is no conjunction. */
  private partsAt: Int32Array;
  /** By root: the number of the reason why it is pinned; 0 when it is not. */
  private pins: Int32Array;
  private pool: Int32Array = new Int32Array(1024);
  private pooled = 1;
  /** Consecutive numbers, of which rows are parts: one large array instead of thousands. */
  private block: Int32Array = new Int32Array(1);
  private readonly reasons: string[] = [''];
  private readonly reasonNumbers = new Map<string, number>();

  /** @param expected  number of slots to make room for; more may be made */
  constructor(expected = 1024) {
    this.parent = new Int32Array(expected);
    this.partsAt = new Int32Array(expected);
    this.pins = new Int32Array(expected);
  }

  /** Number of slots made so far. */
  get size(): number {
    return this.count;
  }

  /** `size` new slots; the number of the first. They are consecutive. */
  allocate(size: number): number {
    const first = this.count;
    this.count += size;
    if (this.count > this.parent.length) {
      const length = Math.max(this.count, this.parent.length * 2);
      this.parent = grown(this.parent, length);
      this.partsAt = grown(this.partsAt, length);
      this.pins = grown(this.pins, length);
    }
    for (let slot = first; slot < this.count; slot++) this.parent[slot] = slot;
    return first;
  }

  /** A row of `size` new slots. */
  row(size: number): Int32Array {
    const first = this.allocate(size);
    const end = first + size;
    if (end > this.block[0] + this.block.length)
      this.block = countUp(first, Math.max(size, this.parent.length - first));
    return this.block.subarray(first - this.block[0], end - this.block[0]);
  }

  find(slot: number): number {
    const { parent } = this;
    let root = slot;
    while (parent[root] !== root) root = parent[root];
    while (parent[slot] !== root) {
      const next = parent[slot];
      parent[slot] = root;
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
    const partsOfRoot = this.partsAt[root];
    const partsOfOther = this.partsAt[other];
    const pin = this.pins[other];
    this.parent[other] = root;
    this.partsAt[other] = 0;
    this.pins[other] = 0;
    if (partsOfOther !== 0) {
      if (partsOfRoot !== 0) this.joinParts(partsOfRoot, partsOfOther);
      else {
        this.partsAt[root] = partsOfOther;
        if (this.pins[root] !== 0) this.pinParts(partsOfOther, this.pins[root]);
      }
    }
    if (pin !== 0) this.pinNumbered(root, pin);
  }

  /** Joins two rows index by index. */
  joinRows(a: Int32Array, b: Int32Array): void {
    if (a === b) return;
    const { parent, partsAt, pins } = this;
    for (let i = 0; i < a.length; i++) {
      const rootA = this.find(a[i]);
      const rootB = this.find(b[i]);
      if (rootA === rootB) continue;
      // Nothing but the class to carry over: most joins by far.
      if ((partsAt[rootA] | partsAt[rootB] | pins[rootA] | pins[rootB]) === 0) {
        if (rootA < rootB) parent[rootB] = rootA;
        else parent[rootA] = rootB;
      } else this.join(rootA, rootB);
    }
  }

  private joinParts(a: number, b: number): void {
    const { pool } = this;
    if (pool[a] === pool[b]) {
      for (let i = 1; i <= pool[a]; i++) this.join(pool[a + i], pool[b + i]);
    } else {
      // The same index seen as products of different shapes: no cut is known to suit both.
      const reason = this.numberOf('split into heads in two different ways');
      this.pinParts(a, reason);
      this.pinParts(b, reason);
    }
  }

  /** Says that `slots` are the combinations of `rows`, the last running fastest. */
  expandProduct(slots: Int32Array, rows: readonly Int32Array[]): void {
    const index = new Array<number>(rows.length).fill(0);
    this.makeRoom(slots.length * (rows.length + 1));
    const { pool, partsAt, pins } = this;
    for (let i = 0; i < slots.length; i++) {
      const at = this.pooled;
      pool[at] = rows.length;
      for (let k = 0; k < rows.length; k++) pool[at + 1 + k] = rows[k][index[k]];
      this.pooled = at + rows.length + 1;
      const root = this.find(slots[i]);
      if (partsAt[root] === 0 && pins[root] === 0) partsAt[root] = at;
      else this.expandStored(root, at);
      for (let k = rows.length - 1; k >= 0 && ++index[k] === rows[k].length; k--) index[k] = 0;
    }
  }

  /** Says that `slot` is alive if and only if all `parts` are. They are copied. */
  expand(slot: number, parts: ArrayLike<number>): void {
    this.expandStored(this.find(slot), this.store(parts));
  }

  private expandStored(root: number, at: number): void {
    const known = this.partsAt[root];
    if (known !== 0) this.joinParts(known, at);
    else {
      this.partsAt[root] = at;
      if (this.pins[root] !== 0) this.pinParts(at, this.pins[root]);
    }
  }

  private store(parts: ArrayLike<number>): number {
    this.makeRoom(parts.length + 1);
    const at = this.pooled;
    this.pooled += parts.length + 1;
    this.pool[at] = parts.length;
    for (let i = 0; i < parts.length; i++) this.pool[at + 1 + i] = parts[i];
    return at;
  }

  private makeRoom(size: number): void {
    const needed = this.pooled + size;
    if (needed > this.pool.length) this.pool = grown(this.pool, Math.max(needed, this.pool.length * 2));
  }

  pin(slot: number, reason: string): void {
    this.pinNumbered(slot, this.numberOf(reason));
  }

  private pinNumbered(slot: number, reason: number): void {
    const root = this.find(slot);
    const parts = this.partsAt[root];
    if (parts !== 0) this.pinParts(parts, reason);
    else if (this.pins[root] === 0) this.pins[root] = reason;
  }

  private pinParts(at: number, reason: number): void {
    for (let i = 1; i <= this.pool[at]; i++) this.pinNumbered(this.pool[at + i], reason);
  }

  private numberOf(reason: string): number {
    let number = this.reasonNumbers.get(reason);
    if (number === undefined) {
      number = this.reasons.push(reason) - 1;
      this.reasonNumbers.set(reason, number);
    }
    return number;
  }

  pinOf(atom: number): string | undefined {
    const number = this.pins[this.find(atom)];
    return number === 0 ? undefined : this.reasons[number];
  }

  /** The atoms a slot is the conjunction of, the outermost first; just its own class when it is none. Call after all joins. */
  atomsOf(slot: number): number[] {
    const atoms: number[] = [];
    this.collectAtoms(slot, atoms);
    return atoms;
  }

  /** {@link atomsOf} for every slot. Call after all joins. */
  resolve(): ResolvedSlots {
    const atoms = new Int32Array(this.count);
    let conjunctions = new Int32Array(this.pooled);
    let used = 1;
    const list: number[] = [];
    for (let slot = 0; slot < this.count; slot++) {
      // A root has the lowest number of its class, so it is resolved before the others.
      if (this.parent[slot] !== slot) atoms[slot] = atoms[this.parent[slot]];
      else if (this.partsAt[slot] === 0) atoms[slot] = slot;
      else {
        this.collectAtoms(slot, list);
        const end = used + 1 + list.length;
        if (end > conjunctions.length) conjunctions = grown(conjunctions, Math.max(end, 2 * conjunctions.length));
        conjunctions[used] = list.length;
        for (let k = 0; k < list.length; k++) conjunctions[used + 1 + k] = list[k];
        list.length = 0;
        atoms[slot] = -used;
        used = end;
      }
    }
    return { atoms, conjunctions };
  }

  private collectAtoms(slot: number, into: number[]): void {
    const root = this.find(slot);
    const at = this.partsAt[root];
    if (at !== 0) for (let i = 1; i <= this.pool[at]; i++) this.collectAtoms(this.pool[at + i], into);
    else if (!into.includes(root)) into.push(root);
  }
}

/** The atoms of all slots at once. */
export interface ResolvedSlots {
  /** The atom that a slot is; for a conjunction `-p`, where `conjunctions[p]` is the number of its atoms, which follow. */
  readonly atoms: Int32Array;
  readonly conjunctions: Int32Array;
}

function countUp(from: number, length: number): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = from + i;
  return numbers;
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}
