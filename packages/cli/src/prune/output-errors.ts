import type { Calibration, Engine, Model, ProgressListener } from '@secateur/core';
import { type Tensor, throwIfAborted, toFloat32 } from '@secateur/graph';

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
}

export async function outputErrors(
  [dense, pruned]: readonly [Model, Model],
  data: Calibration,
  options: OutputErrorOptions,
): Promise<OutputError[]> {
  const { engine, threads, signal, onProgress, timesteps: wanted = 8 } = options;
  const timesteps = Array.from({ length: wanted }, (_, i) => Math.round((i * (data.timesteps - 1)) / (wanted - 1)));
  const a = await engine.compile(dense.graph, { threads, signal });
  const b = await engine.compile(pruned.graph, { threads, signal });
  const found: OutputError[] = [];
  const output = dense.graph.outputs[0]!.name;
  const prunedOutput = pruned.graph.outputs[0]!.name;
  try {
    for await (const { feeds, target, timesteps: at } of data.batches({ timesteps })) {
      throwIfAborted(signal);
      const before = (await a.run(feeds, { signal }))[output]!;
      const after = (await b.run(feeds, { signal }))[prunedOutput]!;
      const mse = meanSquare(before, after);
      found.push({
        timestep: at[0]!,
        mse,
        relative: mse / meanSquare(before),
        denseLoss: meanSquare(before, target),
        prunedLoss: meanSquare(after, target),
      });
      onProgress?.({ phase: 'output error', done: found.length, total: timesteps.length, unit: 'timesteps' });
    }
  } finally {
    await a.dispose();
    await b.dispose();
  }
  return found;
}

/** Mean of `(a - b)²`, in double precision. */
function meanSquare(a: Tensor, b?: Tensor): number {
  const left = toFloat32(a);
  const right = b && toFloat32(b);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i]! - (right?.[i] ?? 0)) ** 2;
  return sum / left.length;
}
