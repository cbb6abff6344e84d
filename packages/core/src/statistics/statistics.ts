import type { Coupling, DepthUnit, OpSet } from '@secateur/graph';
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

/** How the model's output changes when something is left out, over all calibration samples and timesteps visited. */
export interface Without {
  /** Mean squared distance of the output to the whole model's. */
  readonly distance: number;
  /** By how much the denoising loss rises; below 0 where it falls. */
  readonly lossChange: number;
}

/** The model without single layers, and without some at a time. */
export interface OutputsWithout {
  /** Mean square of the whole model's output, for relative distances. */
  readonly meanSquare: number;
  /** Denoising loss of the whole model. */
  readonly loss: number;
  /** By id of the layer or block. */
  readonly units: ReadonlyMap<string, Without>;
  /** Random sets, no two of whose units lie in one another. */
  readonly subsets: readonly (Without & { readonly units: readonly string[] })[];
}

/** What was measured on the model before scoring. */
export interface Statistics {
  /** Accumulated gradients by graph constant, of the constant's shape. */
  readonly gradients?: ReadonlyMap<string, Float32Array>;
  /** L2 norm of each input channel, by graph constant. */
  readonly inputNorms?: ReadonlyMap<string, { readonly axis: number; readonly norms: Float32Array }>;
  readonly outputsWithout?: OutputsWithout;
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
  /** The layers and blocks there are to choose from. Default: none. */
  readonly units?: readonly DepthUnit[];
  /** Of what is drawn at random. Default 0. */
  readonly seed?: number;
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
  /** Where sums are kept, to go on from after the process is killed. */
  readonly journal?: RunJournal;
  readonly onProgress?: ProgressListener;
}
