import {
  type Calibration,
  type CalibrationBatch,
  type ComparedOutput,
  comparedOutput,
  type Engine,
  type Executable,
  type Model,
  type ProgressListener,
} from '@secateur/core';
import { throwIfAborted, toFloat32 } from '@secateur/graph';

/** How well two models do at one timestep, on the same noisy images. */
export interface OutputError {
  readonly timestep: number;
  /** Mean squared distance between the two outputs. */
  readonly mse: number;
  /** The same over the mean square of the dense output. */
  readonly relative: number;
  /** Mean squared error against what a perfect model would say. */
  readonly denseLoss: number;
  readonly prunedLoss: number;
}

export interface OutputErrorOptions {
  readonly engine: Engine;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** How many timesteps, spread evenly from the first to the last. Default 8. */
  readonly timesteps?: number;
  /** Samples the models are run on at once. Default 32. */
  readonly batchSize?: number;
}

/** Sums over the values of one timestep. */
interface Sums {
  values: number;
  distance: number;
  square: number;
  denseLoss: number;
  prunedLoss: number;
}

/**
 * Mean squared distance between the outputs of two models at single timesteps, on the same noisy samples.
 *
 * @returns in order of timestep
 * @throws {SecateurError} what the engine throws; ABORTED
 */
export async function outputErrors(
  [dense, pruned]: readonly [Model, Model],
  data: Calibration,
  options: OutputErrorOptions,
): Promise<OutputError[]> {
  const { engine, threads, signal, onProgress, timesteps: wanted = 8, batchSize = 32 } = options;
  const timesteps = spread(data.timesteps, wanted);
  const [before, after] = [dense, pruned].map(({ graph }) => comparedOutput(graph, data.targetChannels));
  const sums = new Map<number, Sums>();
  const total = timesteps.length * data.samples;
  let done = 0;
  const executables: Executable[] = [];
  try {
    for (const { graph } of [before, after]) executables.push(await engine.compile(graph, { threads, signal }));
    for await (const batch of data.batches({ timesteps, batchSize })) {
      throwIfAborted(signal);
      const outputs = [
        await outputOf(executables[0], before, batch, signal),
        await outputOf(executables[1], after, batch, signal),
      ] as const;
      addRows(sums, batch, ...outputs);
      done += batch.timesteps.length;
      onProgress?.({ phase: 'output error', done, total, unit: 'samples' });
    }
  } finally {
    for (const executable of executables) await executable.dispose();
  }
  return timesteps.map((timestep) => {
    const { values, distance, square, denseLoss, prunedLoss } = sums.get(timestep)!;
    return {
      timestep,
      mse: distance / values,
      relative: distance / square,
      denseLoss: denseLoss / values,
      prunedLoss: prunedLoss / values,
    };
  });
}

/** Fewer where there are not so many timesteps. */
function spread(timesteps: number, wanted: number): number[] {
  const steps = Math.max(1, wanted - 1);
  return [...new Set(Array.from({ length: wanted }, (_, i) => Math.round((i * (timesteps - 1)) / steps)))];
}

async function outputOf(
  executable: Executable,
  { output }: ComparedOutput,
  { feeds }: CalibrationBatch,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  return toFloat32((await executable.run(feeds, { signal, outputs: [output.name] }))[output.name]);
}

/** Row by row, since a batch may hold several timesteps; in double precision. */
function addRows(
  sums: Map<number, Sums>,
  { timesteps, target }: CalibrationBatch,
  dense: Float32Array,
  pruned: Float32Array,
): void {
  const wanted = toFloat32(target);
  const size = dense.length / timesteps.length;
  for (const [row, timestep] of timesteps.entries()) {
    const sum = sums.get(timestep) ?? { values: 0, distance: 0, square: 0, denseLoss: 0, prunedLoss: 0 };
    sums.set(timestep, sum);
    sum.values += size;
    for (let i = row * size; i < (row + 1) * size; i++) {
      sum.distance += (dense[i] - pruned[i]) ** 2;
      sum.square += dense[i] ** 2;
      sum.denseLoss += (dense[i] - wanted[i]) ** 2;
      sum.prunedLoss += (pruned[i] - wanted[i]) ** 2;
    }
  }
}
