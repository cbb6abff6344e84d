import {
  constantOf,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  ints,
  parameterNamed,
  sizeOf,
  symbol,
  type Tensor,
} from '../src/index.js';

/**
 * Random denoiser-like graphs that know by themselves what belongs together. A program is a list of choices; building it
 * twice with other weights gives the same network at other widths, so that a cut can be compared with a network built
 * small from the start. Independently of the coupling under test, every index of every weight carries *labels*: names of
 * the things that must be alive for the index to be.
 */
export interface Program {
  readonly seed: number;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly kind: 'conv'; readonly width: number; readonly kernel: 1 | 3 }
  | { readonly kind: 'residual' }
  | { readonly kind: 'norm' }
  | { readonly kind: 'skip' } // remember the stream, to be concatenated later: fan-out
  | { readonly kind: 'concat' }
  | { readonly kind: 'attention'; readonly heads: number; readonly dim: number; readonly folded: boolean }
  | { readonly kind: 'geglu'; readonly width: number; readonly by: 'Split' | 'Slice' }
  | { readonly kind: 'tied'; readonly width: number }
  | { readonly kind: 'time' } // add an embedding of the second input
  | { readonly kind: 'depthwise' }
  | { readonly kind: 'grouped'; readonly heads: number; readonly dim: number }; // a convolution in several groups

/** Labels of every index of every axis of every weight: `labels.get(name)[axis][index]`. */
export type Labels = Map<string, string[][][]>;

export interface Built {
  readonly graph: Graph;
  readonly labels: Labels;
  /** Features the program shows, for coverage. */
  readonly features: ReadonlySet<string>;
}

/** Number of norm groups everywhere; widths are multiples of it. */
export const normGroups = 2;

interface Stream {
  readonly value: string;
  /** Labels of each channel. */
  readonly labels: string[][];
}

/** Deterministic pseudo-random numbers in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

export function randomProgram(seed: number): Program {
  const random = randomSource(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const width = () => normGroups * (1 + Math.floor(random() * 3));
  const makers: (() => Step)[] = [
    () => ({ kind: 'conv', width: width(), kernel: pick([1, 3] as const) }),
    () => ({ kind: 'residual' }),
    () => ({ kind: 'norm' }),
    () => ({ kind: 'attention', heads: pick([2, 3]), dim: pick([2, 3]), folded: random() < 0.5 }),
    () => ({ kind: 'geglu', width: width(), by: pick(['Split', 'Slice'] as const) }),
    () => ({ kind: 'tied', width: width() }),
    () => ({ kind: 'time' }),
    () => ({ kind: 'depthwise' }),
    () => ({ kind: 'grouped', heads: pick([2, 3]), dim: pick([2, 3]) }),
  ];
  const steps: Step[] = [{ kind: 'skip' }];
  const count = 2 + Math.floor(random() * 3);
  for (let i = 0; i < count; i++) steps.push(pick(makers)());
  steps.push({ kind: 'concat' }, { kind: 'norm' });
  if (random() < 0.5) steps.push({ kind: 'skip' }, pick(makers)(), pick(makers)(), { kind: 'concat' }, pick(makers)());
  // Every graph shows at least two of the hard features: the skip with its norm is one pair, these add more.
  steps.push(pick([makers[3], makers[4], makers[5]])());
  return { seed, steps };
}

/**
 * Builds a program's graph. Weights come from `weights` by name, or are drawn from the seed at full width.
 * @param heads number of heads of each attention, and of groups of each grouped convolution, where not the program's own
 */
export function buildProgram(
  program: Program,
  weights?: ReadonlyMap<string, Tensor>,
  heads: Record<string, number> = {},
): Built {
  return new ProgramBuilder(program, weights, heads).build();
}

class ProgramBuilder {
  private readonly b = new GraphBuilder('random', 18);
  private readonly random: () => number;
  private readonly table = new Map<string, { axis: number; labels: string[][] }[]>();
  private readonly shapes = new Map<string, number[]>();
  private readonly same = new Map<string, string>();
  private readonly features = new Set<string>();
  private readonly shape = [symbol('batch'), 2, symbol('height'), symbol('width')];

  constructor(
    private readonly program: Program,
    private readonly weights: ReadonlyMap<string, Tensor> | undefined,
    private readonly heads: Record<string, number>,
  ) {
    this.random = randomSource(program.seed + 7777);
  }

  build(): Built {
    const input: Stream = { value: this.b.input('sample', 'float32', this.shape), labels: this.fresh('input', 2) };
    this.b.input('time', 'float32', [symbol('batch'), 3]);
    let stream = this.conv('first', input, 2 * normGroups, 3);
    const skips: Stream[] = [];
    this.program.steps.forEach((step, i) => {
      const name = `${step.kind}${i}`;
      if (step.kind === 'skip') skips.push(stream);
      else if (step.kind === 'concat') stream = this.concat(stream, skips.pop());
      else stream = this.b.scope(name, () => this.step(name, step, stream));
    });
    const out = this.conv('last', this.norm('last_norm', stream), 2, 1, 'output');
    this.b.output(out.value, 'float32', this.shape, 'out');
    const labels: Labels = new Map();
    for (const [name, axes] of this.table) {
      const rows: string[][][] = this.shapes.get(name)!.map((size) => Array.from({ length: size }, () => []));
      for (const { axis, labels: row } of axes) {
        rows[axis] = row.map((list) => [...new Set(list.map((label) => this.find(label)))]);
      }
      labels.set(name, rows);
    }
    return { graph: this.b.build(), labels, features: this.features };
  }

  private step(name: string, step: Step, x: Stream): Stream {
    switch (step.kind) {
      case 'conv':
        return this.conv(name, x, step.width, step.kernel);
      case 'residual':
        return this.add(x, this.conv(name, this.norm(`${name}_norm`, x), 0, 1, undefined, x.labels));
      case 'norm':
        return this.norm(name, x);
      case 'attention':
        return this.attention(name, x, step);
      case 'geglu':
        return this.geglu(name, x, step.width, step.by);
      case 'tied':
        return this.tied(name, x, step.width);
      case 'time':
        return this.time(name, x);
      case 'depthwise':
        return this.depthwise(name, x);
      case 'grouped':
        return this.grouped(name, x, step.heads, step.dim);
      default:
        throw new Error(`${step.kind} is not a step of one stream`);
    }
  }

  private fresh(name: string, size: number): string[][] {
    return Array.from({ length: size }, (_, i) => [`${name}:${i}`]);
  }

  private find(label: string): string {
    let root = label;
    while (this.same.has(root)) root = this.same.get(root)!;
    return root;
  }

  /** The two rows of labels name the same things. */
  private unify(a: readonly string[][], b: readonly string[][]): void {
    a.forEach((labels, i) => {
      const [x, y] = [this.find(labels[0]), this.find(b[i][0])];
      if (x !== y) this.same.set(y, x);
    });
  }

  private weight(name: string, shape: number[], axes: readonly (readonly [number, string[][]])[]): string {
    const given = this.weights?.get(name);
    const values =
      given ??
      float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => this.random() * 2 - 1),
      );
    if (!this.table.has(name)) {
      this.table.set(
        name,
        axes.map(([axis, labels]) => ({ axis, labels })),
      );
      this.shapes.set(name, shape);
    }
    return this.b.constant(name, constantOf(values, parameterNamed(name, values.shape)));
  }

  /** Width of a weight's axis: as built now, which after a cut is less than the labels' count. */
  private widthOf(name: string, axis: number): number {
    return this.b.constants.get(name)!.shape[axis];
  }

  private conv(
    name: string,
    x: Stream,
    width: number,
    kernel: 1 | 3,
    outName = name,
    labels = this.fresh(outName, width),
  ): Stream {
    const pad = kernel >> 1;
    const w = this.weight(
      `${name}.weight`,
      [labels.length, x.labels.length, kernel, kernel],
      [
        [0, labels],
        [1, x.labels],
      ],
    );
    const bias = this.weight(`${name}.bias`, [labels.length], [[0, labels]]);
    return {
      value: this.b.op('Conv', [x.value, w, bias], {
        kernel_shape: ints([kernel, kernel]),
        pads: ints([pad, pad, pad, pad]),
      }),
      labels,
    };
  }

  private depthwise(name: string, x: Stream): Stream {
    const w = this.weight(`${name}.weight`, [x.labels.length, 1, 3, 3], [[0, x.labels]]);
    const attributes = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), group: int(this.widthOf(w, 0)) };
    this.features.add('depthwise');
    return { value: this.b.op('Conv', [x.value, w], attributes), labels: x.labels };
  }

  /** Convolution to `heads` groups of `dim`, a grouped one to as many, and back onto the stream. */
  private grouped(name: string, x: Stream, nHeads: number, dim: number): Stream {
    this.features.add('grouped convolution');
    const rows = (kind: string) => rowsOfHeads(name, kind, nHeads, dim);
    const hidden = this.conv(`${name}.in`, x, 0, 1, undefined, rows('in'));
    const w = this.weight(
      `${name}.weight`,
      [nHeads * dim, dim, 1, 1],
      [
        [0, rows('out')],
        [1, Array.from({ length: dim }, (_, i) => [`${name}_in:${i}`])],
      ],
    );
    const attributes = { kernel_shape: ints([1, 1]), group: int(this.heads[name] ?? nHeads) };
    const mixed: Stream = { value: this.b.op('Conv', [hidden.value, w], attributes), labels: rows('out') };
    return this.add(x, this.conv(`${name}.back`, mixed, 0, 1, undefined, x.labels));
  }

  private time(name: string, x: Stream): Stream {
    this.features.add('time embedding');
    const w = this.weight(`${name}.weight`, [x.labels.length, 3], [[0, x.labels]]);
    const bias = this.weight(`${name}.bias`, [x.labels.length], [[0, x.labels]]);
    const embedding = this.b.op('Gemm', ['time', w, bias], { transB: int(1) });
    return {
      value: this.b.op('Add', [x.value, this.b.op('Unsqueeze', [embedding, this.b.ints([2, 3])])]),
      labels: x.labels,
    };
  }

  private norm(name: string, x: Stream): Stream {
    const scale = this.weight(`${name}.weight`, [x.labels.length], [[0, x.labels]]);
    const bias = this.weight(`${name}.bias`, [x.labels.length], [[0, x.labels]]);
    const normed = this.b.op('GroupNormalization', [x.value, scale, bias], {
      num_groups: int(normGroups),
      epsilon: float(1e-5),
    });
    if (new Set(x.labels.flat().map((label) => label.split(':')[0])).size > 1)
      this.features.add('norm across a concat');
    return { value: this.b.op('Mul', [normed, this.b.op('Sigmoid', [normed])]), labels: x.labels };
  }

  private add(x: Stream, y: Stream): Stream {
    return { value: this.b.op('Add', [x.value, y.value]), labels: x.labels };
  }

  private concat(x: Stream, skip: Stream | undefined): Stream {
    if (!skip) return x;
    this.features.add('concat fan-out');
    return {
      value: this.b.op('Concat', [x.value, skip.value], { axis: int(1) }),
      labels: [...x.labels, ...skip.labels],
    };
  }

  private tied(name: string, x: Stream, width: number): Stream {
    this.features.add('tied weight');
    const first = this.conv(name, x, width, 1);
    const mirror = this.conv(
      `${name}_other`,
      { value: this.b.op('Tanh', [x.value]), labels: x.labels },
      x.labels.length,
      1,
    );
    // The same weight reads another stream: its channels and x's are now one and the same.
    this.unify(
      x.labels.map((labels) => [labels[0]]),
      mirror.labels,
    );
    const second = this.b.op('Conv', [mirror.value, `${name}.weight`, `${name}.bias`], { kernel_shape: ints([1, 1]) });
    return { value: this.b.op('Add', [first.value, second]), labels: first.labels };
  }

  /** Linear over tokens [batch, tokens, channels]; the weight is stored [out, in] and transposed in the graph. */
  private linear(name: string, x: string, inLabels: string[][], outLabels: string[][]): string {
    const w = this.weight(
      `${name}.weight`,
      [outLabels.length, inLabels.length],
      [
        [0, outLabels],
        [1, inLabels],
      ],
    );
    const bias = this.weight(`${name}.bias`, [outLabels.length], [[0, outLabels]]);
    return this.b.op('Add', [this.b.op('MatMul', [x, this.b.op('Transpose', [w], { perm: ints([1, 0]) })]), bias]);
  }

  private tokens(x: Stream): string {
    const flat = this.b.op('Reshape', [x.value, this.b.ints([0, 0, -1])]);
    return this.b.op('Transpose', [flat], { perm: ints([0, 2, 1]) });
  }

  private untokens(value: string, x: Stream): Stream {
    const back = this.b.op('Reshape', [
      this.b.op('Transpose', [value], { perm: ints([0, 2, 1]) }),
      this.b.op('Shape', [x.value]),
    ]);
    return { value: this.b.op('Add', [x.value, back]), labels: x.labels };
  }

  private geglu(name: string, x: Stream, width: number, by: 'Split' | 'Slice'): Stream {
    this.features.add(by === 'Split' ? 'split halves' : 'sliced halves');
    const hidden = this.fresh(`${name}_hidden`, width);
    const both = this.linear(`${name}.proj`, this.tokens(x), x.labels, [...hidden, ...hidden]);
    const half = this.widthOf(`${name}.proj.weight`, 0) / 2;
    const slice = (from: number, to: number) =>
      this.b.op('Slice', [both, this.b.ints([from]), this.b.ints([to]), this.b.ints([-1])]);
    const [value, gate] =
      by === 'Split'
        ? this.b.multi('Split', [both, this.b.ints([half, half])], { axis: int(-1) }, { outputs: 2 })
        : [slice(0, half), slice(half, 2 * half)];
    const gated = this.b.op('Mul', [value, this.b.op('Tanh', [gate])]);
    return this.untokens(this.linear(`${name}.out`, gated, hidden, x.labels), x);
  }

  private attention(
    name: string,
    x: Stream,
    { heads: nHeads, dim, folded }: { heads: number; dim: number; folded: boolean },
  ): Stream {
    this.features.add('head reshape');
    const tokens = this.tokens(x);
    const heads = this.heads[name] ?? nHeads;
    const split = (part: string, labels: string[][]): string => {
      const projected = this.linear(`${name}.${part}`, tokens, x.labels, labels);
      const perHead = this.widthOf(`${name}.${part}.weight`, 0) / heads;
      return this.b.op('Transpose', [this.b.op('Reshape', [projected, this.b.ints([0, 0, heads, perHead])])], {
        perm: ints([0, 2, 1, 3]),
      });
    };
    const rows = (kind: string) => rowsOfHeads(name, kind, nHeads, dim);
    const [q, k, v] = [split('q', rows('qk')), split('k', rows('qk')), split('v', rows('vo'))];
    const mixed = folded ? this.attendFolded(q, k, v) : this.attend(q, k, v, [0, 1, 3, 2]);
    const width = this.widthOf(`${name}.v.weight`, 0);
    const merged = this.b.op('Reshape', [
      this.b.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }),
      this.b.ints([0, 0, width]),
    ]);
    return this.untokens(this.linear(`${name}.o`, merged, rows('vo'), x.labels), x);
  }

  private attend(q: string, k: string, v: string, perm: readonly number[]): string {
    const products = this.b.op('MatMul', [q, this.b.op('Transpose', [k], { perm: ints(perm) })]);
    return this.b.op('MatMul', [this.b.op('Softmax', [products], { axis: int(-1) }), v]);
  }

  /** Attention over `[batch * heads, tokens, dim]`, all sizes read at run time. */
  private attendFolded(q: string, k: string, v: string): string {
    this.features.add('heads folded into the batch');
    const sizes = (value: string, from: number, to: number) =>
      this.b.op('Slice', [this.b.op('Shape', [value]), this.b.ints([from]), this.b.ints([to]), this.b.ints([0])]);
    const join = (parts: string[]) => this.b.op('Concat', parts, { axis: int(0) });
    const fold = (value: string) => this.b.op('Reshape', [value, join([this.b.ints([-1]), sizes(value, 2, 4)])]);
    const mixed = this.attend(fold(q), fold(k), fold(v), [0, 2, 1]);
    return this.b.op('Reshape', [mixed, join([sizes(q, 0, 2), sizes(mixed, 1, 3)])]);
  }
}

/** Labels of `heads` times `dim` indices, each with the head and the inner dimension that it needs. */
function rowsOfHeads(name: string, kind: string, heads: number, dim: number): string[][] {
  return Array.from({ length: heads * dim }, (_, i) => [
    `${name}_head:${Math.floor(i / dim)}`,
    `${name}_${kind}:${i % dim}`,
  ]);
}
