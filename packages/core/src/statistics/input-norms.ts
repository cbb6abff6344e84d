import {
  constantOf,
  type Graph,
  GraphBuilder,
  type GraphNode,
  inferTypes,
  int,
  int64,
  type OpSet,
  SecateurError,
  throwIfAborted,
  toFloat32,
} from '@secateur/graph';
import type { Calibration } from '../calibration.js';
import type { Engine, Executable } from '../engine.js';
import { spreadTimesteps } from './spread-timesteps.js';
import type { Statistics, StatisticsRequest } from './statistics.js';

type Request = StatisticsRequest & { readonly engine: Engine; readonly data: Calibration };

/** How many timesteps, spread evenly over the schedule, the norms are taken over unless the request names some. */
const VISITED = 16;

/** A weight and the channels that it is multiplied with. */
interface Read {
  /** Graph constant: the weight. */
  readonly weight: string;
  /** Its input-channel axis. */
  readonly weightAxis: number;
  readonly value: string;
  /** Channel axis of the value. */
  readonly axis: number;
}

/**
 * L2 norm of every input channel of every weight over all samples, positions and visited timesteps (Wanda's ‖X_j‖).
 *
 * @throws {SecateurError} BAD_DATA when an activation is NaN or infinite
 */
export async function collectInputNorms(request: Request): Promise<NonNullable<Statistics['inputNorms']>> {
  const { model, engine, data, signal, coupling } = request;
  const reads = coupling.flow.constantAxes.flatMap(({ value: weight, axis: weightAxis, reads: from }): Read[] =>
    from ? [{ weight, weightAxis, value: from.value, axis: from.axis }] : [],
  );
  const { graph, outputs } = withSquareSums(model.graph, reads, request.ops);
  const timesteps = request.timesteps ?? spreadTimesteps(data.timesteps, VISITED);
  const executable = await engine.compile(graph, { threads: request.threads, signal });
  try {
    const sums = await sumSquares(request, executable, [...outputs.values()], timesteps);
    return normsOf(reads, (read) => sums.get(outputs.get(keyOf(read))!)!);
  } finally {
    await executable.dispose();
  }
}

async function sumSquares(
  { data, signal, onProgress }: Request,
  executable: Executable,
  outputs: readonly string[],
  timesteps: readonly number[],
): Promise<Map<string, Float64Array>> {
  const sums = new Map<string, Float64Array>();
  const report = (done: number) =>
    onProgress?.({ phase: 'activations', done, total: timesteps.length, unit: 'timesteps' });
  for (const [done, timestep] of timesteps.entries()) {
    throwIfAborted(signal);
    report(done);
    for await (const { feeds } of data.batches({ timesteps: [timestep] })) {
      const results = await executable.run(feeds, { signal, outputs });
      for (const name of outputs) addInto(sums, name, toFloat32(results[name]));
    }
  }
  report(timesteps.length);
  return sums;
}

function normsOf(reads: readonly Read[], sumOf: (read: Read) => Float64Array): NonNullable<Statistics['inputNorms']> {
  return new Map(
    reads.map((read) => {
      const sum = sumOf(read);
      const bad = sum.findIndex((value) => !Number.isFinite(value));
      if (bad < 0) return [read.weight, { axis: read.weightAxis, norms: Float32Array.from(sum, Math.sqrt) }];
      throw new SecateurError('BAD_DATA', `Squares of input channel ${bad} of ${read.weight} add up to ${sum[bad]}.`, {
        field: read.weight,
        hint: 'Look for NaN or infinite values in the weights or images.',
      });
    }),
  );
}

function addInto(sums: Map<string, Float64Array>, name: string, values: ArrayLike<number>): void {
  const sum = sums.get(name);
  if (!sum) sums.set(name, Float64Array.from(values));
  else for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

/** The graph with one more output for every value read: the sum of its squares per channel, `[channels]`, by {@link keyOf}. */
function withSquareSums(
  graph: Graph,
  reads: readonly Read[],
  ops: OpSet | undefined,
): { graph: Graph; outputs: Map<string, string> } {
  const types = inferTypes(graph, { ops });
  const builder = new GraphBuilder(graph.name, graph.opset);
  const nodes: GraphNode[] = [];
  const outputs = new Map<string, string>();
  for (const read of reads) {
    if (outputs.has(keyOf(read))) continue;
    const { value, axis } = read;
    const { dtype, shape } = types.get(value)!;
    const name = `secateur.squares.${outputs.size}`;
    const others = shape.map((_, i) => i).filter((i) => i !== axis);
    builder.constant(`${name}.axes`, constantOf(int64(others)));
    // Sums of squares overflow half precision.
    const wide = dtype === 'float32' ? value : `${name}.wide`;
    if (wide !== value) nodes.push({ ...nodeOf('Cast', wide, [value]), attributes: { to: int(FLOAT32) } });
    nodes.push(nodeOf('Mul', `${name}.square`, [wide, wide]));
    const inputs = [`${name}.square`, `${name}.axes`];
    nodes.push({ ...nodeOf('ReduceSum', name, inputs), attributes: { keepdims: int(0) } });
    builder.output(name, 'float32', [shape[axis]]);
    outputs.set(keyOf(read), name);
  }
  return {
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...nodes],
      outputs: [...graph.outputs, ...builder.outputs],
      constants: new Map([...graph.constants, ...builder.constants]),
    },
    outputs,
  };
}

/** ONNX' number of the element type. */
const FLOAT32 = 1;

function keyOf({ value, axis }: Read): string {
  return `${value}:${axis}`;
}

function nodeOf(op: string, name: string, inputs: readonly string[]): GraphNode {
  return { name, op, domain: '', inputs, outputs: [name], attributes: {}, scope: '' };
}
