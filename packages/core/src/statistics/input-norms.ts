import { type Graph, GraphBuilder, inferTypes, int, SecateurError, throwIfAborted, int64, constantOf, type GraphNode } from '@secateur/graph';
import type { Calibration } from '../calibration.js';
import type { Engine } from '../engine.js';
import type { Statistics, StatisticsRequest } from './statistics.js';

type Request = StatisticsRequest & { readonly engine: Engine; readonly data: Calibration };

/** How many timesteps, spread evenly over the schedule, the norms are taken over. */
const VISITED = 16;

interface Read {
  /** Graph constant: the weight. */
  readonly weight: string;
  /** Its input-channel axis. */
  readonly weightAxis: number;
  readonly value: string;
  /** Channel axis of the value. */
  readonly axis: number;
}

/** L2 norm of every input channel of every weight over all samples, positions and visited timesteps (Wanda's ‖X_j‖). */
export async function collectInputNorms(request: Request): Promise<NonNullable<Statistics['inputNorms']>> {
  const { model, engine, data, signal, onProgress } = request;
  const reads = listReads(request);
  const { graph, outputs } = withSquareSums(model.graph, reads);
  const timesteps = spread(request.timesteps ?? Array.from({ length: data.timesteps }, (_, t) => t), VISITED);
  const sums = new Map([...outputs].map(([value, name]) => [name, { value, sum: undefined as Float64Array | undefined }]));
  const executable = await engine.compile(graph, { threads: request.threads, signal });
  try {
    for (const [done, timestep] of timesteps.entries()) {
      throwIfAborted(signal);
      onProgress?.({ phase: 'activations', done, total: timesteps.length, unit: 'timesteps' });
      for await (const batch of data.batches({ timesteps: [timestep] })) {
        const results = await executable.run(batch.feeds, { signal, outputs: [...sums.keys()] });
        for (const [name, entry] of sums) addSquares(entry, results[name].data as Float32Array);
      }
    }
  } finally {
    await executable.dispose();
  }
  onProgress?.({ phase: 'activations', done: timesteps.length, total: timesteps.length, unit: 'timesteps' });
  return new Map(
    reads.map(({ weight, weightAxis, value, axis }) => {
      const sum = sums.get(outputs.get(`${value}:${axis}`)!)!.sum!;
      return [weight, { axis: weightAxis, norms: Float32Array.from(sum, Math.sqrt) }];
    }),
  );
}

function addSquares(entry: { sum: Float64Array | undefined }, values: Float32Array): void {
  entry.sum ??= new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) entry.sum[i] += values[i];
}

function listReads({ coupling }: Request): Read[] {
  return coupling.flow.constantAxes.flatMap((at) =>
    at.reads ? [{ weight: at.value, weightAxis: at.axis, value: at.reads.value, axis: at.reads.axis }] : [],
  );
}

/** The graph with one more output for every value read: the sum of its squares per channel, `[channels]`. */
function withSquareSums(graph: Graph, reads: readonly Read[]): { graph: Graph; outputs: Map<string, string> } {
  const types = inferTypes(graph);
  const builder = new GraphBuilder(graph.name, graph.opset);
  const nodes: GraphNode[] = [];
  const outputs = new Map<string, string>();
  for (const { value, axis } of reads) {
    const key = `${value}:${axis}`;
    const type = types.get(value);
    if (outputs.has(key)) continue;
    if (!type) throw new SecateurError('BAD_FILE', `Value "${value}" has no known type.`, { field: value });
    const name = `secateur.squares.${outputs.size}`;
    const others = type.shape.map((_, i) => i).filter((i) => i !== axis);
    builder.constant(`${name}.axes`, constantOf(int64(others)));
    nodes.push(nodeOf('Mul', `${name}.square`, [value, value]));
    nodes.push({ ...nodeOf('ReduceSum', name, [`${name}.square`, `${name}.axes`]), attributes: { keepdims: int(0) } });
    builder.output(name, 'float32', [type.shape[axis]]);
    outputs.set(key, name);
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

function nodeOf(op: string, name: string, inputs: readonly string[]): GraphNode {
  return { name, op, domain: '', inputs, outputs: [name], attributes: {}, scope: '' };
}

function spread(timesteps: readonly number[], count: number): number[] {
  if (timesteps.length <= count) return [...timesteps];
  return Array.from({ length: count }, (_, i) => timesteps[Math.floor(((i + 0.5) * timesteps.length) / count)]);
}
