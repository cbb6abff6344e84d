import type { Json } from '@secateur/core';
import type { Values } from '../parameters.js';

/** What an optimiser remembers: plain data, kept in checkpoints. Its arrays are allocated once and changed in place. */
export interface OptimizerState {
  /** Updates made. */
  step: number;
  /** Running statistics by their name, each with one array per parameter. */
  readonly slots: Readonly<Record<string, Values>>;
}

/** A pair of functions without state of their own. */
export interface Optimizer {
  readonly name: string;
  /** All settings, for checkpoints and reports. */
  readonly options: Json;
  init(parameters: Values): OptimizerState;
  /**
   * Makes one step: changes `parameters` and `state` in place, allocates nothing. `gradients` stay as they are.
   * @param learningRate  >= 0
   */
  update(parameters: Values, gradients: Values, state: OptimizerState, learningRate: number): void;
}
