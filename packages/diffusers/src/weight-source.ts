import type { Constant } from '@secateur/graph';

/**
 * Where a model's tensors come from: a safetensors file, a pruned set in memory, seeded random numbers. Names are the
 * checkpoint's. Values are read only when a constant is read.
 */
export interface WeightSource {
  /** For messages: the file's name. */
  readonly name?: string;
  has(name: string): boolean;
  /** The tensor of that name, which `has` said is there. */
  get(name: string): Constant;
  names(): Iterable<string>;
}

/** Tensors of a map, e.g. weights sliced in memory. */
export function weightsFrom(tensors: ReadonlyMap<string, Constant>, name?: string): WeightSource {
  return {
    name,
    has: (tensor) => tensors.has(tensor),
    get: (tensor) => tensors.get(tensor)!,
    names: () => tensors.keys(),
  };
}
