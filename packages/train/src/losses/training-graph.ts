import { comparedOutput } from '@secateur/core';
import {
  type Dim,
  type Graph,
  GraphBuilder,
  gradient,
  inferTypes,
  int,
  SecateurError,
  sizeOf,
  type ValueInfo,
} from '@secateur/graph';
import type { FeatureTap } from './feature-taps.js';
import { type LossTerm, termNames } from './loss-terms.js';

/** Names of what a training graph reads besides the model's inputs. */
export const inputNames = {
  /** What a perfect model would say, `[batch, channels, ...]`. */
  target: 'secateur.target',
  /** The teacher's output; with a guided term `[2 * batch, ...]`. */
  teacher: 'secateur.teacher',
  /** Which elements count, broadcast to the target. */
  mask: 'secateur.mask',
  /** Factor of every sample's denoising loss, `[batch]`. */
  weighting: 'secateur.weighting',
  /** Guidance scales, `[batch]`. */
  guidance: 'secateur.guidance',
  /** What every sample counts in the gradient, `[batch]`: 1 / batch for a mean. */
  share: 'secateur.share',
  /** The teacher's activation at a tap. */
  feature: (index: number): string => `secateur.feature.${index}`,
} as const;

/** Output with the losses of term `index`, `[batch]`, before its weight. */
export function termOutput(index: number): string {
  return `secateur.term.${index}`;
}

export interface TrainingGraphRequest {
  /** The student with all sizes known: see {@link bindInputs}. */
  readonly graph: Graph;
  /** Samples of one run, without the doubling of a guided term. */
  readonly batch: number;
  /** Channels of the target; a model that also predicts variances has more. */
  readonly targetChannels?: number;
  readonly terms: readonly LossTerm[];
  /** Taps of every feature term, in the order of the terms. */
  readonly taps: readonly (readonly FeatureTap[])[];
  /** Shape of the data's mask, where there is one. */
  readonly maskShape?: readonly number[];
  /** Constants whose gradients are wanted. */
  readonly wrt: readonly string[];
}

/** Whether runs hold every sample twice, with and without its condition. */
export function isDoubled(terms: readonly LossTerm[]): boolean {
  return terms.some(({ kind }) => kind === 'guided');
}

/** The graph for inputs of just these shapes: fixed sizes leave no shape arithmetic to run. */
export function bindInputs(graph: Graph, shapes: Readonly<Record<string, readonly number[]>>): Graph {
  const inputs = graph.inputs.map((input) => {
    const shape = shapes[input.name];
    if (shape?.length === input.shape.length) return { ...input, shape };
    const found = shape ? `[${shape}]` : 'left out';
    throw new SecateurError('BAD_DATA', `Input "${input.name}" is ${found}; ${input.shape.length} axes are expected.`, {
      field: input.name,
    });
  });
  const bound = { ...graph, inputs };
  const types = inferTypes(bound);
  return { ...bound, outputs: graph.outputs.map((output) => ({ ...output, shape: types.get(output.name)!.shape })) };
}

/**
 * The losses of a step and the gradients of their weighted sum, as plain ONNX.
 *
 * Inputs: the model's and those of {@link inputNames} that the terms need. Outputs: {@link termOutput} of every term and
 * `grad.<constant>`; the loss differentiated is the sum over samples of `share` times the weighted sum of the terms.
 *
 * @throws {SecateurError} NO_GRADIENT and what `gradient` throws
 */
export function trainingGraph(request: TrainingGraphRequest): Graph {
  const { graph, output } = comparedOutput(request.graph, request.targetChannels);
  const writer = new LossWriter(request, graph, output);
  const total = writer.writeAll();
  const withLoss: Graph = {
    ...graph,
    inputs: [...graph.inputs, ...writer.builder.inputs],
    nodes: [...graph.nodes, ...writer.builder.nodes],
    constants: new Map([...graph.constants, ...writer.builder.constants]),
    outputs: writer.builder.outputs,
  };
  const loss = { kind: 'sum-with', output: total, cotangent: inputNames.share } as const;
  return gradient(withLoss, { loss, wrt: request.wrt, keepOutputs: true });
}

class LossWriter {
  readonly builder: GraphBuilder;
  private readonly halves = new Map<string, { conditional: string; free: string }>();
  private readonly inputs = new Map<string, string>();
  private readonly shapes: ReadonlyMap<string, { readonly shape: readonly Dim[] }>;
  /** Of the compared output, one sample a row. */
  private readonly shape: readonly number[];

  constructor(
    private readonly request: TrainingGraphRequest,
    graph: Graph,
    private readonly output: ValueInfo,
  ) {
    this.builder = new GraphBuilder('loss', graph.opset);
    this.shapes = inferTypes(graph);
    this.shape = [request.batch, ...(this.shapes.get(output.name)!.shape.slice(1) as number[])];
  }

  /** @returns the weighted sum of the terms, `[batch]` */
  writeAll(): string {
    const { builder, request } = this;
    return builder.scope('secateur.loss', () => {
      let features = 0;
      const weighted = request.terms.map((term, i) => {
        const taps = term.kind === 'features' ? request.taps[features++] : [];
        const losses = this.write(term, taps, features - 1);
        builder.output(losses, 'float32', [request.batch], termOutput(i));
        return builder.op('Mul', [losses, builder.scalar(term.weight)]);
      });
      return weighted.reduce((a, b) => builder.op('Add', [a, b]));
    });
  }

  private write(term: LossTerm, taps: readonly FeatureTap[], feature: number): string {
    const prediction = this.output.name;
    switch (term.kind) {
      case 'denoising': {
        const losses = this.distance(
          this.conditional(prediction),
          this.input(inputNames.target, this.shape),
          term.masked,
        );
        return this.builder.op('Mul', [losses, this.input(inputNames.weighting, [this.request.batch])]);
      }
      case 'output':
        return this.distance(this.conditional(prediction), this.conditional(this.teacherOutput()), term.masked);
      case 'guided':
        return this.distance(this.guided(prediction), this.guided(this.teacherOutput()), false);
      case 'features':
        return taps
          .map((tap, i) => this.featureDistance(tap, this.featureIndex(feature, i), term.normalized))
          .reduce((a, b) => this.builder.op('Add', [a, b]));
    }
  }

  /** Taps are numbered through all feature terms. */
  private featureIndex(term: number, tap: number): number {
    return this.request.taps.slice(0, term).reduce((sum, taps) => sum + taps.length, 0) + tap;
  }

  private featureDistance({ student }: FeatureTap, index: number, normalized: boolean): string {
    const { builder } = this;
    const shape = this.shapes.get(student)!.shape as readonly number[];
    const theirs = this.conditional(this.input(inputNames.feature(index), shape));
    const losses = this.distance(this.conditional(student), theirs, false, shape.slice(1));
    if (!normalized) return losses;
    const size = this.request.batch * sizeOf(shape.slice(1));
    const sum = builder.op('ReduceSum', [builder.op('Mul', [theirs, theirs])], { keepdims: int(0) });
    const meanSquare = builder.op('Mul', [sum, builder.scalar(1 / size)]);
    return builder.op('Div', [losses, builder.op('Add', [meanSquare, builder.scalar(1e-6)])]);
  }

  /** Mean over everything but the batch of `(a - b)^2`, `[batch]`; with a mask, over what it covers. */
  private distance(a: string, b: string, masked: boolean, rest: readonly number[] = this.shape.slice(1)): string {
    const { builder } = this;
    const difference = builder.op('Sub', [a, b]);
    const squares = builder.op('Mul', [difference, difference]);
    if (!masked) return builder.op('Mul', [this.sampleSum(squares), builder.scalar(1 / sizeOf(rest))]);
    const { maskShape } = this.request;
    if (!maskShape) {
      throw new SecateurError('BAD_OPTION', 'A masked loss needs data with a mask.', { field: 'losses' });
    }
    const mask = this.input(inputNames.mask, maskShape);
    // A mask of one channel covers them all: count what it covers after broadcasting.
    const repeats = sizeOf(rest) / sizeOf(maskShape.slice(1));
    const covered = builder.op('Mul', [this.sampleSum(mask), builder.scalar(repeats)]);
    const sum = this.sampleSum(builder.op('Mul', [squares, mask]));
    return builder.op('Div', [sum, builder.op('Max', [covered, builder.scalar(1)])]);
  }

  private sampleSum(value: string): string {
    const { builder, request } = this;
    const rows = builder.op('Reshape', [value, builder.ints([request.batch, -1])]);
    return builder.op('ReduceSum', [rows, builder.ints([1])], { keepdims: int(0) });
  }

  private teacherOutput(): string {
    const rows = isDoubled(this.request.terms) ? 2 * this.request.batch : this.request.batch;
    return this.input(inputNames.teacher, [rows, ...this.shape.slice(1)]);
  }

  private guided(value: string): string {
    const { builder } = this;
    const { conditional, free } = this.split(value);
    const scale = this.input(inputNames.guidance, [this.request.batch]);
    const column = builder.op('Reshape', [scale, builder.ints([-1, ...this.shape.slice(1).map(() => 1)])]);
    return builder.op('Add', [free, builder.op('Mul', [builder.op('Sub', [conditional, free]), column])]);
  }

  private conditional(value: string): string {
    return isDoubled(this.request.terms) ? this.split(value).conditional : value;
  }

  /** The rows with their conditions come first, the same samples without follow. */
  private split(value: string): { conditional: string; free: string } {
    const known = this.halves.get(value);
    if (known) return known;
    const { batch } = this.request;
    const [conditional, free] = this.builder.multi(
      'Split',
      [value, this.builder.ints([batch, batch])],
      { axis: int(0) },
      { outputs: 2 },
    );
    const halves = { conditional, free };
    this.halves.set(value, halves);
    return halves;
  }

  private input(name: string, shape: readonly number[]): string {
    let value = this.inputs.get(name);
    if (value === undefined) {
      value = this.builder.input(name, 'float32', shape);
      this.inputs.set(name, value);
    }
    return value;
  }
}

/** Term names with their outputs, for reports. */
export function termOutputs(terms: readonly LossTerm[]): readonly { readonly name: string; readonly output: string }[] {
  return termNames(terms).map((name, i) => ({ name, output: termOutput(i) }));
}
