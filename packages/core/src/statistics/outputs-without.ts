import {
  type DepthUnit,
  dimEquals,
  type Gate,
  type Graph,
  gateUnits,
  SecateurError,
  type Tensor,
  throwIfAborted,
  toFloat32,
} from '@secateur/graph';
import type { Calibration, CalibrationBatch } from '../calibration.js';
import type { Engine, Executable } from '../engine.js';
import type { Need } from '../need.js';
import type { Json, RunState } from '../run-store.js';
import { sha256 } from '../sha256.js';
import { comparedOutput } from './compared-output.js';
import { drawSubsets } from './draw-subsets.js';
import { estimateRows } from './estimate-rows.js';
import { spreadTimesteps } from './spread-timesteps.js';
import type { OutputsWithout, StatisticsRequest, Without } from './statistics.js';

type Request = StatisticsRequest & { readonly engine: Engine; readonly data: Calibration };
type WithoutNeed = Extract<Need, { kind: 'outputs-without' }>;

/** How many timesteps, spread evenly over the schedule, are visited unless the request names some. */
const VISITED = 10;

/**
 * Runs the model without each of the units, and without random sets of them, and compares with the whole model on the same
 * inputs: mean squares over all samples, timesteps and elements. One graph is compiled, in which every unit can be switched
 * off; several of them go through one run as rows of its batch. The sums are kept in the journal.
 *
 * @throws {SecateurError} BAD_OPTION when there are no units; BAD_DATA naming the unit without which the output is NaN or
 *   infinite
 */
export async function collectOutputsWithout(request: Request, need: WithoutNeed): Promise<OutputsWithout> {
  const { model, coupling, engine, data, units = [], signal, journal, onProgress } = request;
  if (units.length === 0) {
    throw new SecateurError('BAD_OPTION', 'Outputs can be compared without layers, not without parts of layers.', {
      field: 'space',
      hint: 'Choose the space branches, layers, blocks or pairs.',
    });
  }
  const compared = comparedOutput(model.graph, data.targetChannels);
  const { graph, gates } = gateUnits(coupling, compared.graph, units);
  const sets = [...units.map((unit) => [unit]), ...drawSubsets(units, need.subsets, request.seed ?? 0)];
  const timesteps = request.timesteps ?? spreadTimesteps(data.timesteps, VISITED);
  const plan = planRuns(request, need, gates, timesteps.length);
  const id = await idOf(sets, timesteps, plan);
  const sums = startSums(sets.length, id, journal?.resumed);
  const batches = Math.ceil((data.samples * timesteps.length) / plan.rows);
  const runsPerBatch = Math.ceil(sets.length / plan.setsPerRun);
  const report = (done: number) =>
    onProgress?.({ phase: 'outputs without layers', done, total: batches * runsPerBatch, unit: 'runs' });
  const executable = await engine.compile(graph, { threads: request.threads, signal });
  try {
    const runner: Runner = { executable, graph, gates, units, output: compared.output.name, signal };
    let at = -1;
    for await (const batch of data.batches({ timesteps, batchSize: plan.rows })) {
      at++;
      if (at < sums.batch) continue;
      const whole = await runWithout(runner, batch, [[]]);
      if (sums.next === 0) addWhole(sums, whole[0], batch);
      while (sums.next < sets.length) {
        throwIfAborted(signal);
        report(at * runsPerBatch + Math.ceil(sums.next / plan.setsPerRun));
        const some = sets.slice(sums.next, sums.next + plan.setsPerRun);
        addSets(sums, await runWithout(runner, batch, some), some, whole[0], batch);
        sums.next += some.length;
        if (journal?.isDue()) await journal.save(stateOf(id, sums));
      }
      sums.batch++;
      sums.next = 0;
    }
  } finally {
    await executable.dispose();
  }
  report(batches * runsPerBatch);
  return resultOf(sums, units, sets.slice(units.length));
}

/** How the work is cut into runs. */
interface Plan {
  /** Samples of one run. */
  readonly rows: number;
  /** Sets of units of one run, each with all its samples. */
  readonly setsPerRun: number;
}

function planRuns(
  { model, data, coupling }: Request,
  need: WithoutNeed,
  gates: readonly Gate[],
  timesteps: number,
): Plan {
  const fixed = coupling.flow.types.get(model.graph.outputs[0].name)?.shape[0];
  const total = data.samples * timesteps;
  // A graph for batches of one size takes no other.
  if (typeof fixed === 'number') return { rows: Math.min(fixed, total), setsPerRun: 1 };
  const most = need.rowsPerRun > 0 ? need.rowsPerRun : estimateRows(model, coupling.flow.types);
  const rows = Math.min(total, most);
  return { rows, setsPerRun: gates.every(({ perRow }) => perRow) ? Math.max(1, Math.floor(most / rows)) : 1 };
}

interface Runner {
  readonly executable: Executable;
  readonly graph: Graph;
  readonly gates: readonly Gate[];
  readonly units: readonly DepthUnit[];
  readonly output: string;
  readonly signal: AbortSignal | undefined;
}

/** Outputs of all samples of a batch, without each of some sets of units. */
async function runWithout(
  { executable, graph, gates, units, output, signal }: Runner,
  batch: CalibrationBatch,
  sets: readonly (readonly DepthUnit[])[],
): Promise<Float32Array[]> {
  const samples = batch.timesteps.length;
  const feeds: Record<string, Tensor> = {};
  const rowsOf = graph.outputs[0].shape[0];
  for (const { name, shape } of graph.inputs) {
    const tensor = batch.feeds[name];
    if (!tensor) continue;
    const hasRows = shape[0] !== undefined && rowsOf !== undefined && dimEquals(shape[0], rowsOf);
    feeds[name] = hasRows && sets.length > 1 ? repeated(tensor, sets.length) : tensor;
  }
  for (const [i, { input, perRow }] of gates.entries()) {
    const isOn = sets.map((set) => (set.includes(units[i]) ? 0 : 1));
    const data = perRow ? isOn.flatMap((on) => new Array<number>(samples).fill(on)) : isOn.slice(0, 1);
    feeds[input] = { dtype: 'bool', shape: [data.length], data: Uint8Array.from(data) };
  }
  const results = await executable.run(feeds, { signal, outputs: [output] });
  const values = toFloat32(results[output]);
  const size = values.length / sets.length;
  return sets.map((_, i) => values.subarray(i * size, (i + 1) * size));
}

function repeated(tensor: Tensor, times: number): Tensor {
  const { data, shape } = tensor;
  const all = new (data.constructor as new (length: number) => typeof data)(data.length * times);
  for (let i = 0; i < times; i++) all.set(data as never, i * data.length);
  return { ...tensor, shape: [shape[0] * times, ...shape.slice(1)], data: all } as Tensor;
}

/** Held between runs. Their order of addition is fixed, so that a resumed measurement ends with the same numbers. */
interface Sums {
  /** Batches that are done, and the next set of the one at hand. */
  batch: number;
  next: number;
  /** Elements of the output, times the weight of their batch. */
  count: number;
  square: number;
  loss: number;
  /** By set: squared distances to the whole model's output, and to the target. */
  readonly distances: Float64Array;
  readonly losses: Float64Array;
}

function addWhole(sums: Sums, whole: Float32Array, { target, weight }: CalibrationBatch): void {
  const square = sumSquares(whole);
  if (!Number.isFinite(square)) {
    throw new SecateurError('BAD_DATA', 'The model’s output holds NaN or infinity.', {
      field: 'output',
      hint: 'Look for NaN or infinite values in the weights or the data.',
    });
  }
  sums.count += weight * whole.length;
  sums.square += weight * square;
  sums.loss += weight * sumSquares(whole, toFloat32(target));
}

function addSets(
  sums: Sums,
  outputs: readonly Float32Array[],
  sets: readonly (readonly DepthUnit[])[],
  whole: Float32Array,
  { target, weight }: CalibrationBatch,
): void {
  const wanted = toFloat32(target);
  for (const [i, output] of outputs.entries()) {
    const distance = sumSquares(output, whole);
    if (!Number.isFinite(distance)) {
      const ids = sets[i].map(({ id }) => id).join(', ');
      throw new SecateurError('BAD_DATA', `Without ${ids} the model’s output holds NaN or infinity.`, {
        field: sets[i][0].id,
        hint: 'Leave such layers alone: --ignore takes patterns of tensor names.',
      });
    }
    sums.distances[sums.next + i] += weight * distance;
    sums.losses[sums.next + i] += weight * sumSquares(output, wanted);
  }
}

function sumSquares(a: Float32Array, b?: Float32Array): number {
  let sum = 0;
  if (b) for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  else for (let i = 0; i < a.length; i++) sum += a[i] ** 2;
  return sum;
}

function resultOf(sums: Sums, units: readonly DepthUnit[], subsets: readonly (readonly DepthUnit[])[]): OutputsWithout {
  const { count } = sums;
  const without = (i: number): Without => ({
    distance: sums.distances[i] / count,
    lossChange: (sums.losses[i] - sums.loss) / count,
  });
  return {
    meanSquare: sums.square / count,
    loss: sums.loss / count,
    units: new Map(units.map(({ id }, i) => [id, without(i)])),
    subsets: subsets.map((set, i) => ({ units: set.map(({ id }) => id), ...without(units.length + i) })),
  };
}

/** Tells saved sums from those of other sets, timesteps or runs, and from what another part of a method saved. */
async function idOf(
  sets: readonly (readonly DepthUnit[])[],
  timesteps: readonly number[],
  plan: Plan,
): Promise<string> {
  const ids = sets.map((set) => set.map(({ id }) => id));
  return `outputs without ${await sha256(new TextEncoder().encode(JSON.stringify({ ids, timesteps, plan })))}`;
}

function startSums(sets: number, id: string, resumed: RunState | undefined): Sums {
  const saved = resumed?.value as (Omit<Sums, 'distances' | 'losses'> & { readonly id: string }) | null | undefined;
  if (saved?.id !== id) {
    const [distances, losses] = [new Float64Array(sets), new Float64Array(sets)];
    return { batch: 0, next: 0, count: 0, square: 0, loss: 0, distances, losses };
  }
  const { batch, next, count, square, loss } = saved;
  const sumsOf = (name: string) => Float64Array.from(resumed!.tensors[name].data as Float64Array);
  return { batch, next, count, square, loss, distances: sumsOf('distances'), losses: sumsOf('losses') };
}

function stateOf(id: string, { distances, losses, ...rest }: Sums): RunState {
  const value: Json = { id, ...rest };
  const tensorOf = (data: Float64Array): Tensor => ({ dtype: 'float64', shape: [data.length], data });
  return { value, tensors: { distances: tensorOf(distances), losses: tensorOf(losses) } };
}
