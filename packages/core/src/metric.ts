import { SecateurError, type Tensor, throwIfAborted, toFloat32 } from '@secateur/graph';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';
import type { ProgressListener } from './progress.js';

/** What a metric looks at: pictures, or what a feature extractor says about them. */
export type MetricSubject = 'images' | 'features';

/** Some samples: of one side, or of both. Of pairs always both, the i-th with the i-th. */
export interface MetricBatch {
  /** `[n, …]`, finite. Pictures: `[n, channels, height, width]` in [-1, 1]. Features: `[n, dims]`. */
  readonly actual?: Tensor;
  /** The same for what `actual` is judged by. */
  readonly reference?: Tensor;
}

/** What a metric found; a plain number says no more than the value. */
export interface MetricOutcome {
  /** Never NaN. Infinite only where that is the definition's answer, as for the PSNR of equal pictures. */
  readonly value: number;
  /** Standard deviation of the value over what the metric repeats it on (subsets, pairs); the metric's docs say which. */
  readonly spread?: number;
  /** Further numbers and settings worth quoting. */
  readonly details?: Readonly<Record<string, number | string>>;
}

export interface MetricResult extends MetricOutcome {
  /** Samples of each side that went in. */
  readonly count: { readonly actual: number; readonly reference: number };
  /** What to know before the number is quoted, e.g. its bias at this count. */
  readonly warnings: readonly string[];
}

/** How one measurement is run. */
export interface MetricRun {
  /** Where random choices (subsets) start. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface MetricContext<Options> extends MetricRun {
  readonly options: Readonly<Options>;
  readonly seed: number;
  /** Notes something for {@link MetricResult.warnings}. */
  warn(message: string): void;
}

/** A measurement under way. */
export interface MetricState {
  /** Takes samples in; they are checked already. Must not change them, and may keep them. */
  add(batch: MetricBatch): void;
  finish(): MetricOutcome | number | Promise<MetricOutcome | number>;
}

export interface MetricDefinition<Options> extends PluginDefinition<Options> {
  /** Whether larger values are better. */
  readonly higherIsBetter: boolean;
  /** Default `images`. */
  readonly subject?: MetricSubject;
  /** `pairs`: the i-th sample is compared with the i-th. `sets`: order and the two counts are free. Default `pairs`. */
  readonly compares?: 'pairs' | 'sets';
  /**
   * Fewest samples of each side that give a number at all; where it depends on options or on the length of a feature vector
   * (1 for pictures), a function. Default 1.
   */
  readonly minimum?: number | ((options: Readonly<Options>, dims: number) => number);
  /** The short form: all samples of both sides at once. */
  compare?(
    actual: Tensor,
    reference: Tensor,
    context: MetricContext<Options>,
  ): MetricOutcome | number | Promise<MetricOutcome | number>;
  /** The full form, for what can be summed up batch by batch. One of the two is given. */
  start?(context: MetricContext<Options>): MetricState;
}

/** Samples come in by `add`, in batches of any size; the number comes out by `finish`. */
export interface Measurement {
  /**
   * @throws {SecateurError} SHAPE_MISMATCH when samples differ in shape or pairs in number; BAD_DATA for values that are not
   *   finite
   */
  add(batch: MetricBatch): void;
  /** @throws {SecateurError} BAD_DATA when there are too few samples; BAD_PLUGIN when the value is NaN; ABORTED */
  finish(): Promise<MetricResult>;
}

/** A number that judges pictures, or features of them, by a reference. */
export interface Metric extends Plugin<object> {
  readonly kind: 'metric';
  readonly higherIsBetter: boolean;
  readonly subject: MetricSubject;
  readonly compares: 'pairs' | 'sets';
  /** Fewest samples of each side. @param dims length of a feature vector; for pictures it does not matter */
  minimum(dims?: number): number;
  start(run?: MetricRun): Measurement;
  /** All at once. @throws as {@link Measurement} */
  compare(actual: Tensor, reference: Tensor, run?: MetricRun): Promise<MetricResult>;
}

/** Declares a metric. @throws {SecateurError} BAD_PLUGIN when it has neither or both of `compare` and `start` */
export function defineMetric<Options extends object>(
  definition: MetricDefinition<Options>,
): PluginFactory<Metric, Options> {
  const { name, higherIsBetter, subject = 'images', compares = 'pairs' } = definition;
  if (Boolean(definition.compare) === Boolean(definition.start)) {
    throw new SecateurError('BAD_PLUGIN', `Metric "${name}" must have one of compare and start.`, { plugin: name });
  }
  return makeFactory<Metric & Plugin<Options>, Options>('metric', definition, (base) => {
    const start = (run: MetricRun = {}): Measurement => measurement(definition, base.options, run);
    return {
      ...base,
      kind: 'metric',
      higherIsBetter,
      subject,
      compares,
      minimum: (dims = 1) => minimumOf(definition, base.options, dims),
      start,
      compare: async (actual, reference, run) => {
        const started = start(run);
        started.add({ actual, reference });
        return started.finish();
      },
    };
  });
}

/** The definition's own state behind the checks that hold for all metrics. */
function measurement<Options extends object>(
  definition: MetricDefinition<Options>,
  options: Readonly<Options>,
  run: MetricRun,
): Measurement {
  const { name, subject = 'images', compares = 'pairs' } = definition;
  const { seed = 0, signal } = run;
  const warnings: string[] = [];
  const context = { ...run, seed, options, warn: (message: string) => void warnings.push(message) };
  const state = definition.start?.(context) ?? collected(definition, context);
  const count = { actual: 0, reference: 0 };
  let sample: readonly number[] | undefined;
  return {
    add(batch) {
      throwIfAborted(signal);
      for (const side of ['actual', 'reference'] as const) {
        const tensor = batch[side];
        if (!tensor) continue;
        sample ??= tensor.shape.slice(1);
        checkBatch(name, subject, tensor, sample);
        count[side] += tensor.shape[0];
      }
      if (compares === 'pairs' && batch.actual?.shape[0] !== batch.reference?.shape[0]) {
        const [a, b] = [batch.actual?.shape[0] ?? 0, batch.reference?.shape[0] ?? 0];
        throw new SecateurError('SHAPE_MISMATCH', `"${name}" compares pairs; here are ${a} samples and ${b}.`, {
          plugin: name,
        });
      }
      state.add(batch);
    },
    async finish() {
      throwIfAborted(signal);
      const minimum = minimumOf(definition, options, subject === 'features' ? (sample?.[0] ?? 1) : 1);
      if (Math.min(count.actual, count.reference) < minimum) {
        const both = `${count.actual} samples and ${count.reference} of the reference`;
        throw new SecateurError('BAD_DATA', `"${name}" needs at least ${minimum} samples of each; here are ${both}.`, {
          plugin: name,
          field: 'count',
          hint: 'Give it more pictures.',
        });
      }
      const found = await state.finish();
      const outcome = typeof found === 'number' ? { value: found } : found;
      if (typeof outcome.value !== 'number' || Number.isNaN(outcome.value)) {
        throw new SecateurError('BAD_PLUGIN', `Metric "${name}" gave ${outcome.value}, which is no number.`, {
          plugin: name,
        });
      }
      return { ...outcome, count, warnings };
    },
  };
}

function minimumOf<Options>(
  { minimum = 1 }: MetricDefinition<Options>,
  options: Readonly<Options>,
  dims: number,
): number {
  return typeof minimum === 'number' ? minimum : minimum(options, dims);
}

function checkBatch(name: string, subject: MetricSubject, tensor: Tensor, sample: readonly number[]): void {
  const { shape } = tensor;
  const rank = subject === 'images' ? 4 : 2;
  const wanted = subject === 'images' ? '[n, channels, height, width]' : '[n, dims]';
  if (shape.length !== rank) {
    throw new SecateurError('SHAPE_MISMATCH', `"${name}" takes ${wanted}; this is [${shape}].`, { plugin: name });
  }
  if (shape.slice(1).some((dim, axis) => dim !== sample[axis])) {
    const message = `"${name}" was given samples of [${sample}] and now of [${shape.slice(1)}].`;
    throw new SecateurError('SHAPE_MISMATCH', message, { plugin: name });
  }
  const data = toFloat32(tensor);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  const size = data.length / shape[0];
  throw new SecateurError('BAD_DATA', `"${name}": sample ${Math.floor(wrong / size)} holds ${data[wrong]}.`, {
    plugin: name,
    hint: 'Look for a model that gives NaN or infinite values.',
  });
}

/** State of a metric of the short form: keeps everything, joined at the end. */
function collected<Options extends object>(
  { compare }: MetricDefinition<Options>,
  context: MetricContext<Options>,
): MetricState {
  const kept: Record<'actual' | 'reference', Tensor[]> = { actual: [], reference: [] };
  return {
    add({ actual, reference }) {
      if (actual) kept.actual.push(actual);
      if (reference) kept.reference.push(reference);
    },
    finish: () => compare!(joined(kept.actual), joined(kept.reference), context),
  };
}

function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (parts.length === 1) return first;
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(toFloat32(part), offset);
    offset += part.data.length;
  }
  const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  return { dtype: 'float32', shape: [rows, ...first.shape.slice(1)], data };
}
