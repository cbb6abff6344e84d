import { gradient, SecateurError, sizeOf, type Tensor, throwIfAborted, float32 } from '@secateur/graph';
import type { Calibration, CalibrationBatch } from '../calibration.js';
import type { Engine, Executable } from '../engine.js';
import type { Need, StopRule } from '../need.js';
import type { Json, RunState } from '../run-store.js';
import type { Statistics, StatisticsRequest, TimestepLoss } from './statistics.js';

type Request = StatisticsRequest & { readonly engine: Engine; readonly data: Calibration };
type GradientNeed = Extract<Need, { kind: 'gradients' }>;

/** After a stop the loss curve goes on at this spacing, by forward passes alone: the report shows where the sweep ended. */
const TAIL_SPACING = 25;
/** A record of the sweep is kept about this often. */
const SAVE_EVERY_MS = 10_000;

/** Sums held between runs. Their order of addition is fixed, so that a resumed sweep ends with the same bytes. */
interface Sweep {
  /** Position in the timestep list of the next timestep. */
  next: number;
  largest: number;
  stoppedAt?: number;
  readonly losses: TimestepLoss[];
  readonly sums: Map<string, Float32Array>;
}

/**
 * Sums gradients of the denoising loss over timesteps, ascending, all samples at every timestep with the same noise. The
 * loss of a timestep is the mean squared error over all its samples and elements.
 */
export async function collectGradients(
  request: Request,
  need: GradientNeed,
): Promise<Pick<Statistics, 'gradients' | 'losses' | 'stoppedAt'>> {
  const { model, engine, data, signal, onProgress, journal } = request;
  const timesteps = request.timesteps ?? Array.from({ length: data.timesteps }, (_, t) => t);
  const wrt = parametersOf(model.graph);
  const sweep = startSweep(model.graph, wrt, journal?.resumed);
  const output = model.graph.outputs[0].name;
  const graph = gradient(model.graph, {
    loss: { kind: 'mse', output, target: TARGET, sampleWeights: WEIGHTS },
    wrt,
  });
  const executable = await engine.compile(graph, { threads: request.threads, signal });
  try {
    let lastSaved = performance.now();
    while (sweep.stoppedAt === undefined && sweep.next < timesteps.length) {
      throwIfAborted(signal);
      onProgress?.({ phase: 'gradients', done: sweep.next, total: timesteps.length, unit: 'timesteps' });
      const chunk = timesteps.slice(sweep.next, sweep.next + (request.timestepsPerRun ?? 1));
      if (need.accumulate === 'sum') await addChunk(executable, data, chunk, sweep, need.stop, signal);
      else await addSquares(executable, data, chunk, sweep, signal);
      sweep.next += chunk.length;
      if (journal && performance.now() - lastSaved > SAVE_EVERY_MS) {
        await journal.save(stateOf(model.graph, sweep));
        lastSaved = performance.now();
      }
    }
  } finally {
    await executable.dispose();
  }
  if (sweep.stoppedAt !== undefined) await addTail(request, timesteps, sweep);
  onProgress?.({ phase: 'gradients', done: timesteps.length, total: timesteps.length, unit: 'timesteps' });
  return { gradients: sweep.sums, losses: sweep.losses, stoppedAt: sweep.stoppedAt };
}

const TARGET = 'secateur.target';
const WEIGHTS = 'secateur.weights';

function parametersOf(graph: Request['model']['graph']): string[] {
  return [...graph.constants].flatMap(([name, { parameter }]) => (parameter && !parameter.buffer ? [name] : []));
}

/** Adds the signed gradients of some timesteps in one pass over the data, up to the one at which the rule stops. */
async function addChunk(
  executable: Executable,
  data: Calibration,
  chunk: readonly number[],
  sweep: Sweep,
  stop: StopRule | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const held = await runChunk(executable, data, chunk, undefined, signal);
  const { included, counted } = applyStop(held.losses, sweep, stop);
  // Timesteps after the stop, mixed into the same runs, weigh nothing the second time.
  const kept = included === chunk.length ? held : included === 0 ? undefined : await runChunk(executable, data, chunk, included, signal);
  if (kept) for (const [name, sum] of kept.sums) addInto(sweep.sums.get(name)!, sum);
  sweep.losses.push(...held.losses.slice(0, counted));
}

/** How many of the losses belong to the sweep, and how many of those also give gradients. */
function applyStop(
  losses: readonly TimestepLoss[],
  sweep: Sweep,
  stop: StopRule | undefined,
): { included: number; counted: number } {
  for (const [i, { timestep, loss }] of losses.entries()) {
    if (!Number.isFinite(loss)) {
      throw new SecateurError('BAD_DATA', `The loss at timestep ${timestep} is ${loss}.`, {
        field: `timestep ${timestep}`,
        hint: 'Look for NaN or infinite values in the weights or images.',
      });
    }
    sweep.largest = Math.max(sweep.largest, loss);
    if (stop && loss < stop.threshold * sweep.largest) {
      const included = stop.order === 'backward-first' ? i + 1 : i;
      sweep.stoppedAt = losses[included - 1]?.timestep ?? sweep.losses[sweep.losses.length - 1]?.timestep ?? timestep;
      return { included, counted: i + 1 };
    }
  }
  return { included: losses.length, counted: losses.length };
}

/** Runs all samples at some timesteps; only the first `included` timesteps weigh in. */
async function runChunk(
  executable: Executable,
  data: Calibration,
  chunk: readonly number[],
  included: number = chunk.length,
  signal?: AbortSignal,
): Promise<{ sums: Map<string, Float32Array>; losses: TimestepLoss[] }> {
  const weighty = new Set(chunk.slice(0, included));
  const sums = new Map<string, Float32Array>();
  const totals = new Map(chunk.map((timestep) => [timestep, 0]));
  for await (const batch of data.batches({ timesteps: chunk, batchSize: data.samples * chunk.length })) {
    const result = await runBatch(executable, batch, (timestep) => (weighty.has(timestep) ? 1 / data.samples : 0), signal);
    batch.timesteps.forEach((timestep, i) => totals.set(timestep, totals.get(timestep)! + result.losses[i]));
    for (const [name, values] of result.gradients) {
      const sum = sums.get(name);
      if (sum) addInto(sum, values);
      else sums.set(name, values);
    }
  }
  return { sums, losses: chunk.map((timestep) => ({ timestep, loss: totals.get(timestep)! / data.samples })) };
}

/** Squares the gradient of every sample by itself, then adds. */
async function addSquares(
  executable: Executable,
  data: Calibration,
  chunk: readonly number[],
  sweep: Sweep,
  signal: AbortSignal | undefined,
): Promise<void> {
  const totals = new Map(chunk.map((timestep) => [timestep, 0]));
  for await (const batch of data.batches({ timesteps: chunk, batchSize: 1 })) {
    throwIfAborted(signal);
    const { gradients, losses } = await runBatch(executable, batch, () => 1, signal);
    totals.set(batch.timesteps[0], totals.get(batch.timesteps[0])! + losses[0]);
    for (const [name, values] of gradients) {
      const sum = sweep.sums.get(name)!;
      for (let i = 0; i < sum.length; i++) sum[i] += values[i] * values[i];
    }
  }
  const losses = chunk.map((timestep) => ({ timestep, loss: totals.get(timestep)! / data.samples }));
  applyStop(losses, sweep, undefined);
  sweep.losses.push(...losses);
}

async function runBatch(
  executable: Executable,
  batch: CalibrationBatch,
  weightOf: (timestep: number) => number,
  signal: AbortSignal | undefined,
): Promise<{ gradients: Map<string, Float32Array>; losses: Float32Array }> {
  const weights = batch.timesteps.map((timestep) => weightOf(timestep) * batch.weight);
  const feeds = { ...batch.feeds, [TARGET]: batch.target, [WEIGHTS]: float32([weights.length], weights) };
  const results = await executable.run(feeds, { signal });
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(results)) {
    if (name.startsWith('grad.')) gradients.set(name.slice('grad.'.length), tensor.data as Float32Array);
  }
  return { gradients, losses: results['loss.samples'].data as Float32Array };
}

/** Forward passes at a coarse spacing past the stop, so that the loss curve can be shown whole. */
async function addTail(request: Request, timesteps: readonly number[], sweep: Sweep): Promise<void> {
  const { model, engine, data, signal, onProgress } = request;
  const rest = timesteps.slice(sweep.next).filter((_, i) => i % TAIL_SPACING === TAIL_SPACING - 1);
  if (rest.length === 0) return;
  const executable = await engine.compile(model.graph, { threads: request.threads, signal });
  const output = model.graph.outputs[0].name;
  try {
    for (const [i, timestep] of rest.entries()) {
      throwIfAborted(signal);
      onProgress?.({ phase: 'loss curve', done: i, total: rest.length, unit: 'timesteps' });
      let sum = 0;
      let count = 0;
      for await (const batch of data.batches({ timesteps: [timestep] })) {
        const result = await executable.run(batch.feeds, { signal });
        const predicted = result[output].data as Float32Array;
        const wanted = batch.target.data as Float32Array;
        for (let k = 0; k < predicted.length; k++) sum += (predicted[k] - wanted[k]) ** 2;
        count += predicted.length;
      }
      sweep.losses.push({ timestep, loss: sum / count });
    }
  } finally {
    await executable.dispose();
  }
}

function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

function startSweep(graph: Request['model']['graph'], wrt: readonly string[], resumed: RunState | undefined): Sweep {
  const state = resumed?.value as { next: number; largest: number; losses: TimestepLoss[]; stoppedAt: number | null } | undefined;
  const sums = new Map(
    wrt.map((name) => {
      const saved = resumed?.tensors[name]?.data as Float32Array | undefined;
      return [name, saved?.slice() ?? new Float32Array(sizeOf(graph.constants.get(name)!.shape))];
    }),
  );
  return {
    next: state?.next ?? 0,
    largest: state?.largest ?? 0,
    stoppedAt: state?.stoppedAt ?? undefined,
    losses: [...(state?.losses ?? [])],
    sums,
  };
}

function stateOf(graph: Request['model']['graph'], sweep: Sweep): RunState {
  const tensors: Record<string, Tensor> = {};
  for (const [name, sum] of sweep.sums) tensors[name] = { dtype: 'float32', shape: graph.constants.get(name)!.shape, data: sum };
  const losses = sweep.losses.map(({ timestep, loss }) => ({ timestep, loss }));
  const value: Json = { next: sweep.next, largest: sweep.largest, losses, stoppedAt: sweep.stoppedAt ?? null };
  return { value, tensors };
}
