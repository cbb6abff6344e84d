import {
  type Calibration,
  type ComparedOutput,
  comparedOutput,
  type Engine,
  type Executable,
  type Model,
  type ProgressListener,
} from '@secateur/core';
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
  const [before, after] = [dense, pruned].map(({ graph }) => comparedOutput(graph, data.targetChannels)) as [
    ComparedOutput,
    ComparedOutput,
  ];
  const a = await engine.compile(before.graph, { threads, signal });
  const b = await engine.compile(after.graph, { threads, signal });
  const found: OutputError[] = [];
  try {
    for await (const { feeds, target, timesteps: at } of data.batches({ timesteps })) {
      throwIfAborted(signal);
      const wanted = await outputOf(a, before, feeds, signal);
      const got = await outputOf(b, after, feeds, signal);
      const mse = meanSquare(wanted, got);
      found.push({
        timestep: at[0]!,
        mse,
        relative: mse / meanSquare(wanted),
        denseLoss: meanSquare(wanted, target),
        prunedLoss: meanSquare(got, target),
      });
      onProgress?.({ phase: 'output error', done: found.length, total: timesteps.length, unit: 'timesteps' });
    }
  } finally {
    await a.dispose();
    await b.dispose();
  }
  return found;
}

async function outputOf(
  executable: Executable,
  { output }: ComparedOutput,
  feeds: Readonly<Record<string, Tensor>>,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  return (await executable.run(feeds, { signal, outputs: [output.name] }))[output.name]!;
}

/** Mean of `(a - b)²`, in double precision. */
function meanSquare(a: Tensor, b?: Tensor): number {
  const left = toFloat32(a);
  const right = b && toFloat32(b);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i]! - (right?.[i] ?? 0)) ** 2;
  return sum / left.length;
}
