import { analyse, type GroupRows, groupRows, relativeRate, type Structure } from './analyse.js';
import { algorithmsFor, type ConvolutionOptions, createConvolution, geometryOf } from './convolution.js';
import type { Layer } from './layer.js';
import { createLinear, type LinearOptions } from './linear.js';
import { type PackOptions, packWeights } from './pack-weights.js';
import type { Algorithm, PackedWeights } from './packed-weights.js';
import type { Runtime } from './runtime.js';
import type { WeightShape } from './weight-shape.js';

/** A way to run a layer. */
export interface Choice {
  readonly mr: GroupRows;
  readonly algorithm: Algorithm;
}

export interface TuneOptions extends Pick<PackOptions, 'mask' | 'bias'> {
  /** Milliseconds that each candidate is timed for, at least; every one runs twice in any case. Default 10. */
  budgetMs?: number;
  /** Choices made before, by shape and structure; new ones are added. Keep one for a model, or store it. */
  cache?: Map<string, Choice>;
}

export interface Tuned extends Choice {
  readonly packed: PackedWeights;
  readonly layer: Layer;
  /** What was timed, in ms, fastest first; empty when the cache knew. */
  readonly timings: readonly (Choice & { readonly ms: number })[];
}

/** Work over rate of candidates that are worth timing, relative to the least. */
const worthTiming = 1.7;

/**
 * Packs a convolution and makes the layer in the way that is fastest here: which rows share positions follows from the mask, then
 * each candidate runs for a moment. Dense kernels follow the same lists, so no choice is slower than dense.
 *
 * @throws {SparseWasmError} BAD_SHAPE, BAD_DATA, BAD_OPTION, OUT_OF_MEMORY
 */
export function tuneConvolution(
  runtime: Runtime,
  weight: Float32Array,
  shape: WeightShape,
  options: ConvolutionOptions & TuneOptions,
): Tuned {
  const kernel = shape.kernel ?? [1, 1];
  const geometry = geometryOf(kernel, options);
  const allowed = options.algorithm ? [options.algorithm] : algorithmsFor(kernel, geometry);
  const { height, width, batch, stride, top, left, outHeight, outWidth, upsample } = geometry;
  const size = [height, width, batch, stride, top, left, outHeight, outWidth, upsample, options.algorithm].join();
  const inputSize = (batch * shape.inputs * height * width) / (upsample ? 4 : 1);
  return tune(runtime, weight, shape, options, allowed, size, inputSize, (packed, algorithm) =>
    createConvolution(runtime, packed, { ...options, algorithm }),
  );
}

/** The same for a linear layer. */
export function tuneLinear(
  runtime: Runtime,
  weight: Float32Array,
  shape: WeightShape,
  options: LinearOptions & TuneOptions,
): Tuned {
  const { tokens, batch = 1 } = options;
  return tune(
    runtime,
    weight,
    shape,
    options,
    ['direct'],
    `${tokens},${batch}`,
    batch * shape.inputs * tokens,
    (packed) => createLinear(runtime, packed, options),
  );
}

function tune(
  runtime: Runtime,
  weight: Float32Array,
  shape: WeightShape,
  { mask, bias, budgetMs = 10, cache }: TuneOptions,
  allowed: readonly Algorithm[],
  size: string,
  inputSize: number,
  create: (packed: PackedWeights, algorithm: Algorithm) => Layer,
): Tuned {
  const structure = analyse(weight, shape, mask);
  const key = keyOf(runtime, shape, structure, size);
  const pack = (mr: GroupRows): PackedWeights => packWeights(weight, shape, { mask, bias, mr });
  const finish = (choice: Choice, timings: Tuned['timings'], packed: PackedWeights, layer: Layer): Tuned => {
    cache?.set(key, choice);
    return { ...choice, packed: { ...packed, algorithm: choice.algorithm }, layer, timings };
  };
  const candidates = candidatesOf(structure, allowed);
  const known = cache?.get(key) ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (known) {
    const packed = pack(known.mr);
    return finish(known, [], packed, create(packed, known.algorithm));
  }

  const { arena } = runtime;
  const x = arena.alloc(4 * inputSize);
  fill(arena.f32(x, inputSize));
  const timings: (Choice & { ms: number })[] = [];
  let best: { choice: Choice; packed: PackedWeights; layer: Layer; ms: number } | undefined;
  try {
    for (const choice of candidates) {
      const packed = pack(choice.mr);
      const layer = create(packed, choice.algorithm);
      const ms = time(runtime, layer, choice.mr, x, shape.inputs, budgetMs, best?.ms);
      timings.push({ ...choice, ms });
      if (best && ms >= best.ms) layer.free();
      else {
        best?.layer.free();
        best = { choice, packed, layer, ms };
      }
    }
  } finally {
    arena.free(x);
  }
  timings.sort((a, b) => a.ms - b.ms);
  return finish(best!.choice, timings, best!.packed, best!.layer);
}

/** Cheapest first, so that the others can be given up early. */
function candidatesOf({ work, winogradWork }: Structure, allowed: readonly Algorithm[]): Choice[] {
  /** Multiplications of each algorithm relative to a direct one, transforms included. */
  const share = { direct: 1, 'winograd-f2': 0.55, 'winograd-f4': 0.35 };
  const cost = ({ mr, algorithm }: Choice): number =>
    ((algorithm === 'direct' ? work : winogradWork)[mr] / relativeRate[mr]) * share[algorithm];
  const all = allowed.flatMap((algorithm) => {
    const own = groupRows.map((mr) => ({ mr, algorithm }));
    const least = Math.min(...own.map(cost));
    // Of one algorithm only those that can win; of the algorithms all, since their shares are rough.
    return own.filter((choice) => cost(choice) <= 1.2 * least);
  });
  all.sort((a, b) => cost(a) - cost(b));
  const least = cost(all[0]);
  return all.filter(
    (choice) => cost(choice) <= worthTiming * least * (choice.algorithm === 'direct' ? 2 : 1) || least === 0,
  );
}

function keyOf(
  { isa }: Runtime,
  { outputs, inputs, kernel = [1, 1] }: WeightShape,
  structure: Structure,
  size: string,
): string {
  const shares = groupRows.flatMap((mr) => [structure.work[mr], structure.winogradWork[mr]]);
  return [isa, outputs, inputs, kernel.join('x'), size, ...shares.map((share) => share.toFixed(2))].join(' ');
}

/** Numbers that are no zeros and no denormals, always the same. */
function fill(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = ((i * 2654435761) >>> 8) / 2 ** 23 - 1;
}

/** Long enough for an engine to replace its first, quick translation of the kernels by the optimised one. */
const warmUpMs = 8;

/** What each runtime has run often enough. */
const warm = new WeakMap<Runtime, Set<string>>();

/** Fastest of some runs in ms, after one that does not count; two when it is clearly slower than `toBeat`. */
function time(
  runtime: Runtime,
  layer: Layer,
  mr: GroupRows,
  x: number,
  inputs: number,
  budgetMs: number,
  toBeat = Number.POSITIVE_INFINITY,
): number {
  const { arena } = runtime;
  const y = arena.alloc(4 * layer.outputSize);
  const source = { at: x, channels: inputs };
  const seen = warm.get(runtime) ?? new Set();
  warm.set(runtime, seen);
  const kind = `${layer.algorithm} ${mr}`;
  const begun = performance.now();
  do layer.run(source, y);
  while (!seen.has(kind) && performance.now() - begun < warmUpMs);
  seen.add(kind);
  let best = Number.POSITIVE_INFINITY;
  const start = performance.now();
  for (let runs = 0; runs < 2 || performance.now() - start < budgetMs; runs++) {
    const before = performance.now();
    layer.run(source, y);
    best = Math.min(best, performance.now() - before);
    if (runs >= 1 && best > 1.5 * toBeat) break;
  }
  arena.free(y);
  return best;
}
