import { throwIfAborted, toFloat32 } from '@secateur/graph';
import type { Calibration } from '../calibration.js';
import type { Engine } from '../engine.js';
import { comparedOutput } from './compared-output.js';
import type { StatisticsRequest, TimestepLoss } from './statistics.js';

/** Every so many timesteps a loss is measured, unless the request says otherwise. */
const SPACING = 25;

/**
 * Losses past the end of a gradient sweep, by forward passes alone and at a coarse spacing, so that a report can show the
 * loss curve whole.
 *
 * @param timesteps those the sweep did not visit, ascending
 */
export async function collectLossTail(
  request: StatisticsRequest & { readonly engine: Engine; readonly data: Calibration },
  timesteps: readonly number[],
): Promise<TimestepLoss[]> {
  const { model, engine, data, signal, onProgress } = request;
  const spacing = request.lossSpacing ?? SPACING;
  const visited = timesteps.filter((_, i) => i % spacing === spacing - 1);
  const losses: TimestepLoss[] = [];
  if (visited.length === 0) return losses;
  const { graph, output } = comparedOutput(model.graph, data.targetChannels);
  const report = () =>
    onProgress?.({ phase: 'loss curve', done: losses.length, total: visited.length, unit: 'timesteps' });
  const executable = await engine.compile(graph, { threads: request.threads, signal });
  try {
    for (const timestep of visited) {
      throwIfAborted(signal);
      report();
      let sum = 0;
      let count = 0;
      for await (const { feeds, target } of data.batches({ timesteps: [timestep] })) {
        const predicted = toFloat32((await executable.run(feeds, { signal, outputs: [output.name] }))[output.name]);
        const wanted = toFloat32(target);
        for (let k = 0; k < predicted.length; k++) sum += (predicted[k] - wanted[k]) ** 2;
        count += predicted.length;
      }
      losses.push({ timestep, loss: sum / count });
    }
  } finally {
    await executable.dispose();
  }
  report();
  return losses;
}
