import type { Coupling, OpSet } from '@secateur/graph';
import type { Calibration } from '../calibration.js';
import type { Engine } from '../engine.js';
import type { Model } from '../model.js';
import type { Need } from '../need.js';
import type { ProgressListener } from '../progress.js';
import type { RunJournal } from '../run-store.js';

/** Mean squared error of the model at one timestep, over all calibration samples. */
export interface TimestepLoss {
  readonly timestep: number;
  readonly loss: number;
}

/** What was measured on the model before scoring. */
export interface Statistics {
  /** Accumulated gradients by graph constant, of the constant's shape. */
  readonly gradients?: ReadonlyMap<string, Float32Array>;
  /** L2 norm of each input channel, by graph constant. */
  readonly inputNorms?: ReadonlyMap<string, { readonly axis: number; readonly norms: Float32Array }>;
  /** Losses of the timesteps visited, ascending in timestep. */
  readonly losses: readonly TimestepLoss[];
  /** Last timestep whose gradient was added, when a stop rule ended the sweep. */
  readonly stoppedAt?: number;
}

/** What measuring needs. */
export interface StatisticsRequest {
  readonly model: Model;
  readonly coupling: Coupling;
  readonly needs: readonly Need[];
  readonly engine?: Engine;
  readonly data?: Calibration;
  readonly threads?: number;
  /** Operators known. Default: the built-in ones. */
  readonly ops?: OpSet;
  /** Timesteps to visit, ascending. Default: all of the schedule. */
  readonly timesteps?: readonly number[];
  /** Timesteps mixed into one run. Same sums, fewer calls, more memory. Default 1. */
  readonly timestepsPerRun?: number;
  /** Past the end of a stopped sweep, losses are measured at every so many timesteps. Default 25. */
  readonly lossSpacing?: number;
  readonly signal?: AbortSignal;
  /** Where the gradient sweep is kept, to go on from after the process is killed. */
  readonly journal?: RunJournal;
  readonly onProgress?: ProgressListener;
}
