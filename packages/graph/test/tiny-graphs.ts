import {
  type Coupling,
  constantOf,
  couple,
  evaluateGraph,
  float32,
  type Graph,
  GraphBuilder,
  ints,
  parameterNamed,
  sizeOf,
  symbol,
} from '../src/index.js';

/** Building blocks of the small graphs that coupling and surgery are tested on. Weights are waves: fixed, of size about 1. */
export class TinyGraph {
  readonly b: GraphBuilder = new GraphBuilder('tiny', 18);

  /** Input `[batch, channels, height, width]`. */
  image(channels: number, name = 'x'): string {
    return this.b.input(name, 'float32', [symbol('batch'), channels, symbol('height'), symbol('width')]);
  }

  /** Input `[batch, tokens, channels]`. */
  tokens(channels: number, name = 'x'): string {
    return this.b.input(name, 'float32', [symbol('batch'), symbol('tokens'), channels]);
  }

  weight(name: string, ...shape: number[]): string {
    const phase = name.length + [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1 + phase + 12.9898 * i));
    return this.b.constant(name, constantOf(float32(shape, values), parameterNamed(name, shape)));
  }

  /** Weight `name.w` `[to, from, 1, 1]`, bias `name.b` `[to]`. */
  conv(name: string, x: string, from: number, to: number): string {
    return this.b.op('Conv', [x, this.weight(`${name}.w`, to, from, 1, 1), this.weight(`${name}.b`, to)], {
      kernel_shape: ints([1, 1]),
    });
  }

  /** Weight `name.w` `[from, to]`, no bias. */
  linear(name: string, x: string, from: number, to: number): string {
    return this.b.op('MatMul', [x, this.weight(`${name}.w`, from, to)]);
  }

  /** Ends the graph at an image or token output. */
  end(value: string, channels: number, kind: 'image' | 'tokens' = 'image'): Graph {
    const batch = symbol('batch');
    const shape =
      kind === 'image' ? [batch, channels, symbol('height'), symbol('width')] : [batch, symbol('tokens'), channels];
    this.b.output(value, 'float32', shape, 'out');
    return this.b.build();
  }
}

/** Groups as text, one a line: `id kind size: tensor:axis×perUnit …`. */
export function groupTexts(coupling: Coupling): string[] {
  return coupling.groups.map(({ id, kind, size, slices }) => {
    const parts = slices.map(({ tensor, axis, perUnit }) => `${tensor}:${axis}${perUnit === 1 ? '' : `×${perUnit}`}`);
    return `${id} ${kind} ${size}: ${parts.join(' ')}`;
  });
}

/** Groups of a graph as text. */
export function groupsOf(graph: Graph): string[] {
  return groupTexts(couple(graph));
}

/** Runs a graph on a wave of the given shape. */
export function runOn(graph: Graph, shape: readonly number[]): Float32Array {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(3.7 * i));
  return evaluateGraph(graph, { [graph.inputs[0].name]: float32(shape, values) }).out.data as Float32Array;
}
