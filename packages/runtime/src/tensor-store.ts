import {
  allocate,
  bytesPerElement,
  type Constant,
  type DType,
  type ParameterIdentity,
  SecateurError,
  sizeOf,
  type Tensor,
  type TensorData,
} from '@secateur/graph';

export interface TensorStoreOptions {
  /** Bytes the store may hold. Default: no limit. */
  budgetBytes?: number;
}

/** A tensor of a store, by name; its values may be in memory or still in their file. */
export interface TensorHandle {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * Weights and accumulators that outlive a graph. Values are brought when first read, updated in place, and dropped again
 * (least recently used first) when the budget is short, as long as they can be read anew.
 */
export interface TensorStore {
  /** Bytes held now. Values that a constant holds in memory by itself are shared, not counted. */
  readonly residentBytes: number;
  readonly handles: readonly TensorHandle[];
  /** Takes up a constant; nothing is read. @throws {SecateurError} NAME_CLASH */
  add(name: string, source: Constant): TensorHandle;
  /** A tensor of zeros that lives in the store only. @throws {SecateurError} NAME_CLASH; BAD_OPTION above the budget */
  allocate(name: string, dtype: DType, shape: readonly number[]): TensorHandle;
  /** @throws {SecateurError} BAD_OPTION when the store has no tensor of that name */
  handle(name: string): TensorHandle;
  /** The values. Never mutate them; they see later updates. @throws {SecateurError} BAD_OPTION above the budget */
  read(handle: TensorHandle): Promise<Tensor>;
  /**
   * Changes the values in place. The first update of a constant copies it, so that its owner's values stay as they are;
   * from then on the store cannot evict it.
   */
  update(handle: TensorHandle, change: (data: TensorData) => void): Promise<void>;
  /** Drops the values from memory. False when they were updated or are not in memory. */
  evict(handle: TensorHandle): boolean;
  /** Forgets the tensor, updates included. */
  remove(handle: TensorHandle): void;
  /** The tensor as a constant of a graph, with the values it has when they are read. */
  constant(handle: TensorHandle): Constant;
}

interface Entry extends TensorHandle {
  readonly source?: Constant;
  readonly parameter?: ParameterIdentity;
  tensor?: Tensor;
  /** In memory and to be kept: updated, or made by the store. */
  updated: boolean;
  pending?: Promise<Tensor>;
}

export function createTensorStore({ budgetBytes = Number.POSITIVE_INFINITY }: TensorStoreOptions = {}): TensorStore {
  // In order of use, least recent first.
  const entries = new Map<string, Entry>();
  let residentBytes = 0;

  function insert(entry: Entry): TensorHandle {
    if (entries.has(entry.name)) {
      throw new SecateurError('NAME_CLASH', `The store has a tensor "${entry.name}" already.`, { field: entry.name });
    }
    entries.set(entry.name, entry);
    return entry;
  }

  function find(name: string): Entry {
    const entry = entries.get(name);
    if (entry) return entry;
    throw new SecateurError('BAD_OPTION', `The store has no tensor "${name}".`, { field: name });
  }

  function touch(entry: Entry): void {
    entries.delete(entry.name);
    entries.set(entry.name, entry);
  }

  function drop(entry: Entry): boolean {
    if (!entry.tensor || entry.updated) return false;
    entry.tensor = undefined;
    residentBytes -= entry.byteLength;
    return true;
  }

  function hold(entry: Entry, tensor: Tensor): void {
    for (const other of entries.values()) {
      if (residentBytes + entry.byteLength <= budgetBytes) break;
      if (other !== entry) drop(other);
    }
    if (residentBytes + entry.byteLength > budgetBytes) {
      throw new SecateurError(
        'BAD_OPTION',
        `"${entry.name}" needs ${entry.byteLength} bytes; the budget is ${budgetBytes}, of which ${residentBytes} hold updated tensors.`,
        { field: 'budgetBytes', hint: 'Raise budgetBytes, or remove tensors that are no longer needed.' },
      );
    }
    entry.tensor = tensor;
    residentBytes += entry.byteLength;
  }

  async function load(entry: Entry): Promise<Tensor> {
    touch(entry);
    const ready = entry.tensor ?? entry.source?.value;
    if (ready) return ready;
    entry.pending ??= entry
      .source!.read()
      .then((tensor) => {
        // Removed while it was being read.
        if (entries.get(entry.name) === entry) hold(entry, tensor);
        return tensor;
      })
      .finally(() => {
        entry.pending = undefined;
      });
    return entry.pending;
  }

  async function update(entry: Entry, change: (data: TensorData) => void): Promise<void> {
    const before = await load(entry);
    if (!entry.updated) {
      const tensor = { ...before, data: before.data.slice() };
      drop(entry);
      hold(entry, tensor);
      entry.updated = true;
    }
    change(entry.tensor!.data);
  }

  return {
    get residentBytes() {
      return residentBytes;
    },
    get handles() {
      return [...entries.values()];
    },
    add: (name, source) => {
      const { dtype, shape, parameter } = source;
      return insert({ name, dtype, shape, byteLength: bytesFor(dtype, shape), source, parameter, updated: false });
    },
    allocate(name, dtype, shape) {
      const entry: Entry = { name, dtype, shape, byteLength: bytesFor(dtype, shape), updated: false };
      insert(entry);
      try {
        hold(entry, { dtype, shape, data: allocate(dtype, sizeOf(shape)) });
      } catch (error) {
        entries.delete(name);
        throw error;
      }
      entry.updated = true;
      return entry;
    },
    handle: find,
    read: async ({ name }) => load(find(name)),
    update: async ({ name }, change) => update(find(name), change),
    evict: ({ name }) => drop(find(name)),
    remove({ name }) {
      const entry = find(name);
      if (entry.tensor) residentBytes -= entry.byteLength;
      entries.delete(name);
    },
    constant({ name }) {
      const { dtype, shape, parameter } = find(name);
      return { dtype, shape, parameter, read: async () => load(find(name)) };
    },
  };
}

function bytesFor(dtype: DType, shape: readonly number[]): number {
  return sizeOf(shape) * bytesPerElement(dtype);
}
