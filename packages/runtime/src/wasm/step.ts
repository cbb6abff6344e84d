import type { Tensor } from '@secateur/graph';
import type { Runtime } from '@secateur/sparse-wasm';
import type { Assets } from './assets.js';
import type { Buffer, View } from './view.js';

/** What a step runs with. Pointers are fixed once memory is planned. */
export interface Place {
  readonly runtime: Runtime;
  /** Where a buffer begins, and where a view's first element lies, as byte offsets. */
  base(buffer: Buffer): number;
  at(view: View): number;
  /** Values outside the engine's memory, by name: what is fed, and what steps make. */
  readonly tensors: Map<string, Tensor>;
}

/** One piece of work of a run. Steps run in the order in which they were emitted. */
export interface Step {
  /** The node it is for, and what it does: for profiles and messages. */
  readonly label: string;
  readonly kind: string;
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** `[read, written]`: buffers of one size that may be the same memory, if nothing reads the first any more. */
  readonly mayReuse?: readonly (readonly [Buffer, Buffer])[];
  /** Multiply-adds of a dense run, for layers. */
  readonly macs?: number;
  /** Reads and packs weights. */
  prepare?(assets: Assets): Promise<void>;
  bind(place: Place): () => void | Promise<void>;
  /** Gives back what `prepare` took besides assets. */
  free?(): void;
}
