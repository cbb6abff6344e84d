/** How PyTorch starts a tensor. */
export type Init =
  | { readonly kind: 'uniform'; readonly bound: number } // U(-bound, bound)
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'computed'; readonly compute: () => Float32Array }; // a table that the library computes and stores

/** A tensor that a configuration calls for. */
export interface TensorSpec {
  /** Name in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** Stored with the model but not learned. */
  readonly buffer?: boolean;
}

/** PyTorch's default for convolutions and linears, weight and bias alike: U(-1/sqrt(fanIn), 1/sqrt(fanIn)). */
export function uniformInit(fanIn: number): Init {
  return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
}

/** Parameters of a list of tensors; buffers do not count. */
export function countParameters(tensors: readonly TensorSpec[]): number {
  let total = 0;
  for (const { shape, buffer } of tensors) if (!buffer) total += shape.reduce((size, dim) => size * dim, 1);
  return total;
}
