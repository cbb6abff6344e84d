import { type Logger, type Model, matches, type ProgressListener, silentLogger } from '@secateur/core';
import { type Graph, SecateurError, throwIfAborted, toFloat32 } from '@secateur/graph';
import { checkRange, checkWhole } from '../check-range.js';
import { withValues } from '../parameters.js';
import { type LayerMoments, layerMoments, type MomentsRequest } from './layer-moments.js';
import { type LinearLayer, linearLayers } from './linear-layers.js';
import { solveSymmetric } from './solve.js';

/** A pruned model and what it kept: `PruneResult.cut.kept`; without, layers were left out and all widths are as before. */
export interface PrunedModel {
  readonly model: Model;
  readonly kept?: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;
}

export interface RefitOptions extends Omit<MomentsRequest, 'timesteps'> {
  /** Timesteps of the calibration to look at. Default: 8, spread evenly. */
  readonly timesteps?: readonly number[];
  /**
   * Which layers, by their weight's checkpoint name, `*` for any characters. Default: those whose inputs were cut; all where
   * none was.
   */
  readonly layers?: readonly string[];
  /** How strongly weights are held where they are, relative to the mean square of a layer's inputs; above 0. Default 0.01. */
  readonly ridge?: number;
  /** Layers with more inputs (channels times taps) are left as they are, with a warning. Default 2,304. */
  readonly maxInputs?: number;
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
}

/** How far one layer's outputs are from the dense model's: squared distance over the outputs' own square. */
export interface RefittedLayer {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

export interface RefitResult {
  readonly model: Model;
  readonly layers: readonly RefittedLayer[];
}

/**
 * Wins quality back without training, after channels or layers were removed: layer by layer, each after those before it,
 * weights and bias are set to those that bring the layer's outputs, on the pruned model's own inputs, closest to the dense
 * model's:
 *
 *   min over W, b of  Σ ‖W x + b - y‖² + ridge * mean(x²) * count * ‖W - W₀‖²
 *
 * x being what the pruned model feeds the layer and y what the dense one makes at the channels kept. No engine gradients; two
 * runs up to every layer.
 *
 * @throws {SecateurError} BAD_OPTION when no layer matches; BAD_DATA when the calibration is not finite
 */
export async function refit(dense: Model, pruned: PrunedModel, options: RefitOptions): Promise<RefitResult> {
  const { ridge = 0.01, maxInputs = 2304, logger = silentLogger } = options;
  checkRange('ridge', ridge, Number.MIN_VALUE);
  checkWhole('maxInputs', maxInputs, 1);
  const isCut = ({ name }: LinearLayer) => pruned.kept?.get(name)?.has(1) ?? false;
  return recover(dense, pruned, options, {
    phase: 'refit',
    chosen: (layers) => {
      const cut = layers.filter(isCut);
      const wanted = options.layers || cut.length === 0 ? layers : cut;
      const small = wanted.filter(({ size }) => size[1] <= maxInputs);
      const large = wanted.length - small.length;
      if (large > 0) logger.warn(`${large} layers have more than ${maxInputs} inputs and stay as they are.`);
      return small;
    },
    products: true,
    solve: (moments, weight, bias) => fitted(moments, weight, bias, ridge),
  });
}

/**
 * The same with biases alone: the mean of every output channel becomes that of the dense model's. Much cheaper, as no products
 * of inputs are summed.
 *
 * @throws {SecateurError} BAD_OPTION when no layer with a bias matches; BAD_DATA when the calibration is not finite
 */
export async function correctBias(
  dense: Model,
  pruned: PrunedModel,
  options: Omit<RefitOptions, 'ridge' | 'maxInputs'>,
): Promise<RefitResult> {
  return recover(dense, pruned, options, {
    phase: 'bias correction',
    chosen: (layers) => layers.filter(({ bias }) => bias !== undefined),
    products: false,
    solve: (moments, weight, bias) => ({ weight, bias: meanBias(moments, weight, bias!) }),
  });
}

interface Weights {
  /** `[out, inputs]` */
  readonly weight: Float64Array;
  readonly bias?: Float64Array;
}

interface Recovery {
  readonly phase: string;
  readonly products: boolean;
  chosen(layers: readonly LinearLayer[]): readonly LinearLayer[];
  solve(moments: LayerMoments, weight: Float64Array, bias: Float64Array | undefined): Weights;
}

async function recover(
  dense: Model,
  { model, kept }: PrunedModel,
  options: Omit<RefitOptions, 'ridge' | 'maxInputs'>,
  recovery: Recovery,
): Promise<RefitResult> {
  const { data, signal, onProgress } = options;
  const timesteps =
    options.timesteps ?? Array.from({ length: 8 }, (_, i) => Math.floor(((i + 0.5) * data.timesteps) / 8));
  const theirs = new Map(linearLayers(dense.graph).map((layer) => [layer.name, layer]));
  const named = linearLayers(model.graph).filter(
    ({ name }) => theirs.has(name) && (options.layers ?? ['*']).some((pattern) => matches(pattern, name)),
  );
  const layers = recovery.chosen(named);
  if (layers.length === 0) {
    throw new SecateurError('BAD_OPTION', `${model.name} and ${dense.name} share no layer to set anew.`, {
      field: 'layers',
    });
  }
  let graph: Graph = model.graph;
  const done: RefittedLayer[] = [];
  for (const layer of layers) {
    throwIfAborted(signal);
    onProgress?.({ phase: recovery.phase, done: done.length, total: layers.length, unit: 'layers' });
    const pair = {
      student: { graph, layer },
      teacher: { graph: dense.graph, layer: theirs.get(layer.name)! },
      kept: kept?.get(layer.name)?.get(0),
    };
    const moments = await layerMoments(pair, recovery.products, { ...options, timesteps });
    if (!Number.isFinite(moments.yy) || !moments.x.every(Number.isFinite)) {
      throw new SecateurError('BAD_DATA', `Inputs or outputs of ${layer.name} are not finite.`, { field: layer.name });
    }
    const current = await weightsOf(graph, layer);
    const solved = recovery.solve(moments, current.weight, current.bias);
    graph = withWeights(graph, layer, solved);
    done.push({ name: layer.name, before: distance(moments, current), after: distance(moments, solved) });
  }
  onProgress?.({ phase: recovery.phase, done: done.length, total: layers.length, unit: 'layers' });
  return { model: { ...model, graph }, layers: done };
}

async function weightsOf(graph: Graph, { weight, bias, isTransposed, size }: LinearLayer): Promise<Weights> {
  const stored = toFloat32(await graph.constants.get(weight)!.read());
  return {
    weight: Float64Array.from(isTransposed ? turned(stored, size[1], size[0]) : stored),
    bias: bias === undefined ? undefined : Float64Array.from(toFloat32(await graph.constants.get(bias)!.read())),
  };
}

function withWeights(graph: Graph, { weight, bias, isTransposed, size }: LinearLayer, solved: Weights): Graph {
  const values = Float32Array.from(isTransposed ? turned(solved.weight, size[0], size[1]) : solved.weight);
  const changed = new Map([[weight, values]]);
  if (bias !== undefined) changed.set(bias, Float32Array.from(solved.bias!));
  return withValues(graph, changed);
}

/** `[rows, columns]` as `[columns, rows]`. */
function turned(values: Float32Array | Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}

function fitted(
  { xx, yx, x, y, count }: LayerMoments,
  weight: Float64Array,
  bias: Float64Array | undefined,
  ridge: number,
): Weights {
  const inputs = x.length;
  const out = y.length;
  const n = bias ? inputs + 1 : inputs;
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += xx![i * inputs + i];
  // Inputs that are all zero say nothing: any pull keeps the weights as they are.
  const pull = (ridge * trace) / inputs || 1;
  const m = new Float64Array(n * n);
  const r = new Float64Array(out * n);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) m[i * n + j] = xx![i * inputs + j];
    m[i * n + i] += pull;
    if (bias) m[i * n + inputs] = m[inputs * n + i] = x[i];
  }
  if (bias) m[n * n - 1] = count;
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inputs; i++) r[o * n + i] = yx![o * inputs + i] + pull * weight[o * inputs + i];
    if (bias) r[o * n + inputs] = y[o];
  }
  solveSymmetric(m, r, n);
  const solved = new Float64Array(out * inputs);
  for (let o = 0; o < out; o++) solved.set(r.subarray(o * n, o * n + inputs), o * inputs);
  return { weight: solved, bias: bias && Float64Array.from({ length: out }, (_, o) => r[o * n + inputs]) };
}

function meanBias({ x, y, count }: LayerMoments, weight: Float64Array, bias: Float64Array): Float64Array {
  return bias.map((_, o) => (y[o] - dot(weight, x, o * x.length)) / count);
}

/**
 * Σ ‖W x + b - y‖² over Σ ‖y‖². Without products of inputs only what the means explain: the squared distance of the means.
 */
function distance({ xx, yx, x, y, yy, count }: LayerMoments, { weight, bias }: Weights): number {
  let sum = xx ? yy : 0;
  for (let o = 0; o < y.length; o++) {
    const b = bias?.[o] ?? 0;
    const wx = dot(weight, x, o * x.length);
    if (!xx) {
      sum += (wx + count * b - y[o]) ** 2 / count;
      continue;
    }
    sum +=
      2 * b * (wx - y[o]) + count * b * b - 2 * dotRows(weight, yx!, o, x.length) + quadratic(weight, xx, o, x.length);
  }
  return yy === 0 ? 0 : Math.max(0, sum) / yy;
}

function dot(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[from + i] * b[i];
  return sum;
}

function dotRows(a: Float64Array, b: Float64Array, row: number, width: number): number {
  let sum = 0;
  for (let i = row * width; i < (row + 1) * width; i++) sum += a[i] * b[i];
  return sum;
}

function quadratic(w: Float64Array, m: Float64Array, row: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) {
    let inner = 0;
    for (let j = 0; j < width; j++) inner += m[i * width + j] * w[row * width + j];
    sum += w[row * width + i] * inner;
  }
  return sum;
}
