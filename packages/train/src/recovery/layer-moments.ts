import type { Calibration, Engine } from '@secateur/core';
import {
  type Graph,
  GraphBuilder,
  inferTypes,
  int,
  ints,
  tensor,
  throwIfAborted,
  toFloat32,
  type ValueInfo,
  withoutDeadNodes,
} from '@secateur/graph';
import type { LinearLayer } from './linear-layers.js';

/** Sums over all positions of all samples of a student's inputs x and a teacher's outputs y at one layer. */
export interface LayerMoments {
  /** Positions. */
  count: number;
  /** Σ x xᵀ `[inputs, inputs]`, when asked for. */
  readonly xx?: Float64Array;
  /** Σ y xᵀ `[out, inputs]`, when asked for. */
  readonly yx?: Float64Array;
  /** Σ x `[inputs]` */
  readonly x: Float64Array;
  /** Σ y `[out]` */
  readonly y: Float64Array;
  /** Σ y² */
  yy: number;
}

export interface MomentsRequest {
  readonly engine: Engine;
  readonly data: Calibration;
  readonly timesteps: readonly number[];
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface LayerPair {
  readonly student: { readonly graph: Graph; readonly layer: LinearLayer };
  readonly teacher: { readonly graph: Graph; readonly layer: LinearLayer };
  /** Output channels that the student still has; left out: all. */
  readonly kept?: readonly number[];
}

/** Runs both models up to the layer; the sums are made by the engine, batch by batch, and added up in double precision. */
export async function layerMoments(
  { student, teacher, kept }: LayerPair,
  products: boolean,
  { engine, data, timesteps, threads, signal }: MomentsRequest,
): Promise<LayerMoments> {
  const [out, inputs] = student.layer.size;
  const wanted = outputGraph(teacher.graph, teacher.layer, kept);
  const sums = momentsGraph(student.graph, student.layer, wanted.outputs[0], products);
  const moments: LayerMoments = {
    count: 0,
    ...(products && { xx: new Float64Array(inputs * inputs), yx: new Float64Array(out * inputs) }),
    x: new Float64Array(inputs),
    y: new Float64Array(out),
    yy: 0,
  };
  const theirs = await engine.compile(wanted, { threads, signal });
  const ours = await engine.compile(sums, { threads, signal });
  try {
    for await (const { feeds } of data.batches({ timesteps })) {
      throwIfAborted(signal);
      const y = (await theirs.run(pick(feeds, theirs.inputs), { signal }))[wanted.outputs[0].name];
      const results = await ours.run({ ...pick(feeds, ours.inputs), [TARGET]: y }, { signal });
      moments.count += y.data.length / out;
      for (const name of ['xx', 'yx', 'x', 'y'] as const) {
        const sum = moments[name];
        const part = results[`moment.${name}`];
        if (sum) for (const [i, value] of toFloat32(part).entries()) sum[i] += value;
      }
      moments.yy += toFloat32(results['moment.yy'])[0];
    }
  } finally {
    await theirs.dispose();
    await ours.dispose();
  }
  return moments;
}

const TARGET = 'secateur.wanted';

/** The graph up to the layer's output, of the channels kept. */
function outputGraph(graph: Graph, { node, y }: LinearLayer, kept: readonly number[] | undefined): Graph {
  const { dtype, shape } = inferTypes(graph).get(y)!;
  const builder = new GraphBuilder('output', graph.opset);
  const axis = channelAxis(node.op, shape.length);
  if (!kept) builder.output(y, dtype, shape, TARGET);
  else {
    const rows = builder.op('Gather', [y, builder.ints(kept)], { axis: int(axis) }, { name: TARGET });
    builder.output(
      rows,
      dtype,
      shape.map((dim, i) => (i === axis ? kept.length : dim)),
    );
  }
  return joined(graph, builder);
}

function channelAxis(op: string, rank: number): number {
  return op === 'MatMul' ? rank - 1 : 1;
}

/** The graph up to the layer's input, with the sums. */
function momentsGraph(graph: Graph, layer: LinearLayer, wanted: ValueInfo, products: boolean): Graph {
  const { node, size } = layer;
  const [out, inputs] = size;
  const builder = new GraphBuilder('moments', graph.opset);
  builder.input(TARGET, wanted.dtype, wanted.shape);
  builder.scope('secateur.moments', () => {
    const x = inputRows(builder, graph, layer);
    const y = node.op === 'Conv' ? channelRows(builder, TARGET, out) : columns(builder, TARGET, out);
    const sum = (value: string) => builder.op('ReduceSum', [value, builder.ints([1])], { keepdims: int(0) });
    builder.output(sum(x), 'float32', [inputs], 'moment.x');
    builder.output(sum(y), 'float32', [out], 'moment.y');
    const squares = builder.op('ReduceSum', [builder.op('Mul', [y, y])], { keepdims: int(0) });
    builder.output(squares, 'float32', [], 'moment.yy');
    if (!products) return;
    const turned = builder.op('Transpose', [x], { perm: ints([1, 0]) });
    builder.output(builder.op('MatMul', [x, turned]), 'float32', [inputs, inputs], 'moment.xx');
    builder.output(builder.op('MatMul', [y, turned]), 'float32', [out, inputs], 'moment.yx');
  });
  return joined(graph, builder);
}

/** What one output is made of, `[inputs, positions]`. */
function inputRows(builder: GraphBuilder, graph: Graph, { node, x, size: [, inputs], weight }: LinearLayer): string {
  if (node.op !== 'Conv') return columns(builder, x, inputs);
  const [, channels, ...taps] = graph.constants.get(weight)!.shape;
  // A convolution with one output for every input of the layer lays its patches out.
  const kernel = new Float32Array(inputs * inputs);
  for (let i = 0; i < inputs; i++) kernel[i * inputs + i] = 1;
  const patches = builder.tensor(tensor('float32', [inputs, channels, ...taps], kernel));
  return channelRows(builder, builder.op('Conv', [x, patches], { ...node.attributes }), inputs);
}

/** `[batch, channels, ...]` as `[channels, positions]`. */
function channelRows(builder: GraphBuilder, value: string, channels: number): string {
  const flat = builder.op('Reshape', [value, builder.ints([0, channels, -1])]);
  const turned = builder.op('Transpose', [flat], { perm: ints([1, 0, 2]) });
  return builder.op('Reshape', [turned, builder.ints([channels, -1])]);
}

/** `[..., width]` as `[width, positions]`. */
function columns(builder: GraphBuilder, value: string, width: number): string {
  const rows = builder.op('Reshape', [value, builder.ints([-1, width])]);
  return builder.op('Transpose', [rows], { perm: ints([1, 0]) });
}

function joined(graph: Graph, builder: GraphBuilder): Graph {
  const whole: Graph = {
    ...graph,
    inputs: [...graph.inputs, ...builder.inputs],
    nodes: [...graph.nodes, ...builder.nodes],
    constants: new Map([...graph.constants, ...builder.constants]),
    outputs: builder.outputs,
  };
  return withoutDeadNodes(whole);
}

function pick<T>(record: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.filter((name) => name in record).map((name) => [name, record[name]]));
}
