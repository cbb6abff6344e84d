import {
  castTensor,
  type DType,
  float32,
  type Graph,
  gradient,
  SecateurError,
  sizeOf,
  type Tensor,
  throwIfAborted,
  toFloat32,
  zeros,
} from '@secateur/graph';
import type { Calibration, CalibrationBatch } from '../calibration.js';
import type { Engine, Executable } from '../engine.js';
import type { Need, StopRule } from '../need.js';
import type { Json, RunState } from '../run-store.js';
import { sha256 } from '../sha256.js';
import { comparedOutput } from './compared-output.js';
import { collectLossTail } from './loss-tail.js';
import type { Statistics, StatisticsRequest, TimestepLoss } from './statistics.js';

type Request = StatisticsRequest & { readonly engine: Engine; readonly data: Calibration };
type GradientNeed = Extract<Need, { kind: 'gradients' }>;

/** Sums held between runs. Their order of addition is fixed, so that a resumed sweep ends with the same bytes. */
interface Sweep {
  /** Position in the timestep list of the next timestep. */
  next: number;
  largest: number;
  stoppedAt?: number;
  readonly losses: TimestepLoss[];
  readonly sums: Map<string, Float32Array>;
}

/** What some timesteps add to the sweep. */
interface Share {
  readonly sums: ReadonlyMap<string, Float32Array>;
  readonly losses: readonly TimestepLoss[];
}

/** Runs all samples at some timesteps; only the first `included` of them weigh in the sums. Losses are of all. */
type Measure = (timesteps: readonly number[], included: number) => Promise<Share>;

/**
 * Sums gradients of the denoising loss over timesteps, ascending, all samples at every timestep with the same noise. The
 * loss of a timestep is the mean squared error over all its samples and elements; with `sum-squares` the gradients squared
 * are those of each sample's own mean.
 *
 * @throws {SecateurError} BAD_DATA naming the timestep whose loss is NaN or infinite
 * @throws {SecateurError} NO_GRADIENT naming the operators that have none
 */
export async function collectGradients(
  request: Request,
  need: GradientNeed,
): Promise<Pick<Statistics, 'gradients' | 'losses' | 'stoppedAt'>> {
  const { model, engine, data, signal, onProgress, journal, ops } = request;
  const { graph, output } = comparedOutput(model.graph, data.targetChannels);
  const timesteps = request.timesteps ?? Array.from({ length: data.timesteps }, (_, t) => t);
  const perRun = request.timestepsPerRun ?? 1;
  const wrt = weightsOf(graph);
  const id = await idOf({ need, timesteps, perRun });
  const sweep = startSweep(wrt, id, journal?.resumed);
  const total = timesteps.length;
  const report = (done: number) => onProgress?.({ phase: 'gradients', done, total, unit: 'timesteps' });
  const loss = { kind: 'mse', output: output.name, target: TARGET, sampleWeights: WEIGHTS } as const;
  const backward = gradient(graph, { loss, wrt, ops });
  const executable = await engine.compile(backward, { threads: request.threads, signal });
  try {
    const runner: Runner = { executable, backward, dtype: output.dtype, signal };
    const measure = measureWith(runner, data, need.accumulate);
    while (sweep.stoppedAt === undefined && sweep.next < total) {
      throwIfAborted(signal);
      report(sweep.next);
      const chunk = timesteps.slice(sweep.next, sweep.next + perRun);
      await addChunk(measure, chunk, sweep, need.stop);
      sweep.next += chunk.length;
      if (journal?.isDue()) await journal.save(stateOf(graph, id, sweep));
    }
  } finally {
    await executable.dispose();
  }
  report(total);
  if (sweep.stoppedAt !== undefined)
    sweep.losses.push(...(await collectLossTail(request, timesteps.slice(sweep.next))));
  for (const name of wrt) {
    if (!sweep.sums.has(name)) sweep.sums.set(name, new Float32Array(sizeOf(graph.constants.get(name)!.shape)));
  }
  return { gradients: sweep.sums, losses: sweep.losses, stoppedAt: sweep.stoppedAt };
}

const TARGET = 'secateur.target';
const WEIGHTS = 'secateur.weights';

function weightsOf(graph: Graph): string[] {
  return [...graph.constants].flatMap(([name, { parameter }]) => (parameter && !parameter.buffer ? [name] : []));
}

/** Adds the gradients of some timesteps, up to the one at which the rule stops. */
async function addChunk(
  measure: Measure,
  chunk: readonly number[],
  sweep: Sweep,
  stop: StopRule | undefined,
): Promise<void> {
  const all = await measure(chunk, chunk.length);
  const { included, counted } = applyStop(all.losses, sweep, stop);
  // Timesteps after the stop were mixed into the same runs: without them it must be measured again.
  const kept = included === chunk.length ? all : included > 0 ? await measure(chunk, included) : undefined;
  for (const [name, share] of kept?.sums ?? []) {
    const sum = sweep.sums.get(name);
    if (sum) addInto(sum, share);
    else sweep.sums.set(name, share);
  }
  sweep.losses.push(...all.losses.slice(0, counted));
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
      // The first loss is the largest so far, so a stop always has a timestep before it.
      sweep.stoppedAt = (losses[included - 1] ?? sweep.losses[sweep.losses.length - 1]).timestep;
      return { included, counted: i + 1 };
    }
  }
  return { included: losses.length, counted: losses.length };
}

/** The backward pass, ready to run. */
interface Runner {
  readonly executable: Executable;
  readonly backward: Graph;
  /** Of the output and what it is compared with. */
  readonly dtype: DType;
  readonly signal: AbortSignal | undefined;
}

/** How a share is measured: signed sums take all samples in one run, squares take them one by one. */
function measureWith(runner: Runner, data: Calibration, accumulate: GradientNeed['accumulate']): Measure {
  const squared = accumulate === 'sum-squares';
  const addUp = squared ? addSquares : addInto;
  return async (timesteps, included) => {
    const weighty = new Set(timesteps.slice(0, included));
    const weight = squared ? 1 : 1 / data.samples;
    const sums = new Map<string, Float32Array>();
    const totals = new Map(timesteps.map((timestep) => [timestep, 0]));
    const batchSize = squared ? 1 : data.samples * timesteps.length;
    let into = gradientBuffers(runner.backward);
    for await (const batch of data.batches({ timesteps, batchSize })) {
      throwIfAborted(runner.signal);
      const weights = batch.timesteps.map((timestep) => (weighty.has(timestep) ? weight * batch.weight : 0));
      const { gradients, losses } = await runBatch(runner, batch, weights, into);
      batch.timesteps.forEach((timestep, i) => {
        totals.set(timestep, totals.get(timestep)! + losses[i]);
      });
      if (sums.size > 0) for (const [name, values] of gradients) addUp(sums.get(name)!, values);
      else {
        for (const [name, values] of gradients) sums.set(name, values);
        if (squared) for (const values of gradients.values()) square(values);
        into = gradientBuffers(runner.backward);
      }
    }
    return { sums, losses: timesteps.map((timestep) => ({ timestep, loss: totals.get(timestep)! / data.samples })) };
  };
}

/**
 * Tensors that the engine may write the gradients into. They are as many bytes as all weights: given to the engine, they are
 * not copied once more on their way out of it. Memory is taken when they are written to.
 */
function gradientBuffers(backward: Graph): Record<string, Tensor> {
  const gradients = backward.outputs.filter(({ name }) => name.startsWith(GRADIENT));
  return Object.fromEntries(
    gradients.map(({ name, dtype, shape }) => [name, zeros(dtype, shape as readonly number[])]),
  );
}

const GRADIENT = 'grad.';

async function runBatch(
  { executable, dtype, signal }: Runner,
  batch: CalibrationBatch,
  weights: readonly number[],
  into: Readonly<Record<string, Tensor>>,
): Promise<{ gradients: Map<string, Float32Array>; losses: Float32Array }> {
  const feeds = {
    ...batch.feeds,
    [TARGET]: castTensor(batch.target, dtype),
    [WEIGHTS]: castTensor(float32([weights.length], weights), dtype),
  };
  const results = await executable.run(feeds, { into, signal });
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(results)) {
    if (name.startsWith(GRADIENT)) gradients.set(name.slice(GRADIENT.length), toFloat32(tensor));
  }
  return { gradients, losses: toFloat32(results['loss.samples']) };
}

function square(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] *= values[i];
}

function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

function addSquares(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i] * values[i];
}

/** Tells a saved sweep from one over other timesteps, and from what another part of a method saved. */
async function idOf(sweep: { need: GradientNeed; timesteps: readonly number[]; perRun: number }): Promise<string> {
  return `gradients ${await sha256(new TextEncoder().encode(JSON.stringify(sweep)))}`;
}

interface SweepState {
  readonly id: string;
  readonly next: number;
  readonly largest: number;
  readonly losses: readonly TimestepLoss[];
  readonly stoppedAt: number | null;
}

function startSweep(wrt: readonly string[], id: string, resumed: RunState | undefined): Sweep {
  const saved = resumed?.value as SweepState | null | undefined;
  const state = saved?.id === id ? saved : undefined;
  const kept = state ? wrt.map((name) => [name, (resumed!.tensors[name].data as Float32Array).slice()] as const) : [];
  return {
    next: state?.next ?? 0,
    largest: state?.largest ?? 0,
    stoppedAt: state?.stoppedAt ?? undefined,
    losses: [...(state?.losses ?? [])],
    // Begins with the first share: that is all gradients once less in memory than adding to zeros.
    sums: new Map(kept),
  };
}

function stateOf(graph: Graph, id: string, sweep: Sweep): RunState {
  const tensors: Record<string, Tensor> = {};
  for (const [name, data] of sweep.sums) {
    tensors[name] = { dtype: 'float32', shape: graph.constants.get(name)!.shape, data };
  }
  const losses = sweep.losses.map(({ timestep, loss }) => ({ timestep, loss }));
  const value: Json = { id, next: sweep.next, largest: sweep.largest, losses, stoppedAt: sweep.stoppedAt ?? null };
  return { value, tensors };
}
