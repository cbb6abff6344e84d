import type {
  Calibration,
  Engine,
  FeatureExtractor,
  Logger,
  Measurement,
  Metric,
  MetricResult,
  Model,
  ProgressListener,
} from '@secateur/core';
import { silentLogger } from '@secateur/core';
import { SecateurError, type Tensor, throwIfAborted, toFloat32 } from '@secateur/graph';
import type { SamplerChoice } from '@secateur/pipelines';
import { metricLabel } from '../metric-label.js';
import { type OutputError, outputErrors } from '../output-errors.js';
import { drawPictures } from './draw-pictures.js';

export interface EvaluateOptions {
  readonly engine: Engine;
  /** Each at most once. */
  readonly metrics: readonly Metric[];
  /** The dense model. What compares pairs needs it: both draw from the same noise. It is measured too, beside the model. */
  readonly reference?: Model;
  /** Real pictures, `[n, channels, height, width]` in [-1, 1], all at once or in parts; what compares sets needs them. */
  readonly images?: Tensor | AsyncIterable<Tensor>;
  /** How many real pictures there are, for the progress. Default: unknown, or those of a single tensor. */
  readonly imageCount?: number;
  /** What metrics of features look through. */
  readonly features?: FeatureExtractor;
  /** Data for the output error at single timesteps, against `reference`; absent: it is not measured. */
  readonly calibration?: Calibration;
  /** How many timesteps that looks at. Default 8. */
  readonly timesteps?: number;
  /** Pictures drawn. Default 1,000. */
  readonly count?: number;
  /** Denoising steps. Default 50. */
  readonly steps?: number;
  /** Default `ddim`, with the model's own schedule. */
  readonly sampler?: SamplerChoice;
  /** DDIM: share of noise added back. Default 0. */
  readonly eta?: number;
  /** Of the noise and of random subsets. Default 0. */
  readonly seed?: number;
  /** Pictures a model is run on at once; changes speed and memory alone. Default 32. */
  readonly batchSize?: number;
  /** Number of classes of a class-conditional model: pictures take 0, 1, 2, … in turn. */
  readonly classes?: number;
  readonly threads?: number;
  /** Hears the metrics' warnings. Default: silent. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** One metric of one model. */
export interface EvaluatedMetric extends MetricResult {
  /** What the number may be called: names the features where there are any. */
  readonly label: string;
  readonly higherIsBetter: boolean;
}

export interface Evaluation {
  readonly model: string;
  readonly reference?: string;
  /** By the metric's name. */
  readonly metrics: Readonly<Record<string, EvaluatedMetric>>;
  /** The same for `reference`: metrics of sets alone. */
  readonly referenceMetrics?: Readonly<Record<string, EvaluatedMetric>>;
  readonly outputErrors?: readonly OutputError[];
  /** How the numbers came about. */
  readonly settings: {
    readonly count: number;
    readonly steps: number;
    /** Class of the scheduler. */
    readonly sampler?: string;
    readonly eta: number;
    readonly seed: number;
    readonly realImages: number;
    readonly features?: string;
    readonly engine: string;
  };
}

/** A metric being measured for one of the models. */
interface Running {
  readonly metric: Metric;
  readonly run: Measurement;
}

/**
 * Draws pictures and judges them: against real ones, and against those of another model from the same noise. Pictures are
 * judged as they would be saved, with 8 bits a channel.
 *
 * Same models, options, engine and threads: same numbers.
 *
 * @throws {SecateurError} MISSING_NEED when a metric lacks real pictures, features or the reference model; NAME_CLASH when one
 *   is given twice; BAD_DATA when there are too few pictures for one; what models, engines and metrics throw; ABORTED
 */
export async function evaluate(model: Model, options: EvaluateOptions): Promise<Evaluation> {
  const { engine, metrics, reference, features, calibration, logger = silentLogger, signal, onProgress } = options;
  const { count = 1000, steps = 50, eta = 0, seed = 0 } = options;
  checkNeeds(options);
  for (const metric of metrics) checkCount(metric, count, features, 'pictures are to be drawn');
  const start = (metric: Metric, listener = onProgress): Running => ({
    metric,
    run: metric.start({ seed, signal, ...(listener && { onProgress: listener }) }),
  });
  const own = metrics.map((metric) => start(metric));
  // Phases of its own: within one, what is done never falls.
  const ofReference: ProgressListener = ({ phase, ...rest }) => onProgress?.({ phase: `${phase} (dense)`, ...rest });
  const others = reference
    ? metrics.filter(({ compares }) => compares === 'sets').map((metric) => start(metric, ofReference))
    : [];
  const realImages = await addReal([...own, ...others], options);
  for (const metric of metrics) {
    if (metric.compares === 'sets') checkCount(metric, realImages, features, 'real pictures are there');
  }
  let sampler: string | undefined;
  if (metrics.length > 0) {
    const models = reference ? [model, reference] : [model];
    const drawing = await drawPictures(models, { ...options, count, steps, eta, seed });
    sampler = drawing.sampler;
    try {
      for await (const [pictures, dense] of drawing.parts()) {
        await addDrawn(own, pictures!, dense, features, signal);
        if (dense) await addDrawn(others, dense, undefined, features, signal);
      }
    } finally {
      await drawing.dispose();
    }
  }
  const finished = await finish(own, features, logger);
  const errors =
    reference && calibration
      ? await outputErrors([reference, model], calibration, { ...options, timesteps: options.timesteps })
      : undefined;
  return {
    model: model.name,
    ...(reference && { reference: reference.name }),
    metrics: finished,
    // Its warnings are the same ones.
    ...(others.length > 0 && { referenceMetrics: await finish(others, features, silentLogger) }),
    ...(errors && { outputErrors: errors }),
    settings: {
      count,
      steps,
      ...(sampler !== undefined && { sampler }),
      eta,
      seed,
      realImages,
      ...(features && { features: features.name }),
      engine: await engine.describe(),
    },
  };
}

function checkNeeds({ metrics, reference, images, features, calibration }: EvaluateOptions): void {
  const names = new Set<string>();
  for (const { name, compares, subject } of metrics) {
    if (names.has(name)) {
      throw new SecateurError('NAME_CLASH', `Metric "${name}" is given twice.`, { plugin: name, field: 'metrics' });
    }
    names.add(name);
    const lack = (field: string, what: string) =>
      new SecateurError('MISSING_NEED', `"${name}" needs ${what}.`, { plugin: name, field, hint: `Give ${field}.` });
    if (compares === 'pairs' && !reference) throw lack('reference', 'the dense model, to draw from the same noise');
    if (compares === 'sets' && !images) throw lack('images', 'real pictures');
    if (subject === 'features' && !features) throw lack('features', 'a feature extractor');
  }
  if (calibration && !reference) {
    throw new SecateurError('MISSING_NEED', 'The output error needs the dense model.', {
      field: 'reference',
      hint: 'Give reference.',
    });
  }
}

/** Before the long work, not after it. */
function checkCount(metric: Metric, count: number, features: FeatureExtractor | undefined, what: string): void {
  const fewest = metric.minimum(metric.subject === 'features' ? features?.dims : undefined);
  if (count >= fewest) return;
  throw new SecateurError('BAD_DATA', `"${metric.name}" needs at least ${fewest} samples of each; ${count} ${what}.`, {
    plugin: metric.name,
    field: 'count',
    hint: 'Take more, or another metric: kid needs the fewest.',
  });
}

/** Shows the real pictures to every metric of sets; through the features once, whatever their number. */
async function addReal(running: readonly Running[], options: EvaluateOptions): Promise<number> {
  const { images, features, signal, onProgress } = options;
  const sets = running.filter(({ metric }) => metric.compares === 'sets');
  if (sets.length === 0 || !images) return 0;
  const total = options.imageCount ?? ('shape' in images ? images.shape[0] : 0);
  let done = 0;
  for await (const part of 'shape' in images ? parts(images) : images) {
    throwIfAborted(signal);
    const found = await subjects(sets, part, features, signal);
    for (const { metric, run } of sets) run.add({ reference: found[metric.subject] });
    done += part.shape[0];
    onProgress?.({ phase: 'real pictures', done, total: Math.max(total, done), unit: 'pictures' });
  }
  return done;
}

async function addDrawn(
  running: readonly Running[],
  pictures: Tensor,
  dense: Tensor | undefined,
  features: FeatureExtractor | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await subjects(running, pictures, features, signal);
  const isPaired = ({ metric }: Running) => metric.compares === 'pairs';
  const other = dense && (await subjects(running.filter(isPaired), dense, features, signal));
  for (const { metric, run } of running) {
    run.add({
      actual: found[metric.subject],
      ...(metric.compares === 'pairs' && { reference: other?.[metric.subject] }),
    });
  }
}

/** The pictures, and their features when any of the metrics looks at them. */
async function subjects(
  running: readonly Running[],
  images: Tensor,
  features: FeatureExtractor | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly images: Tensor; readonly features?: Tensor }> {
  const needsFeatures = running.some(({ metric }) => metric.subject === 'features');
  return needsFeatures ? { images, features: await features!.extract(images, { signal }) } : { images };
}

/** A large tensor in parts, so that work on it can be stopped and watched. */
async function* parts(images: Tensor, size = 256): AsyncGenerator<Tensor> {
  const [count, ...rest] = images.shape;
  const data = toFloat32(images);
  const length = data.length / count;
  for (let from = 0; from < count; from += size) {
    const to = Math.min(count, from + size);
    yield { dtype: 'float32', shape: [to - from, ...rest], data: data.subarray(from * length, to * length) };
  }
}

async function finish(
  running: readonly Running[],
  features: FeatureExtractor | undefined,
  logger: Logger,
): Promise<Record<string, EvaluatedMetric>> {
  const found: Record<string, EvaluatedMetric> = {};
  for (const { metric, run } of running) {
    const result = await run.finish();
    for (const warning of result.warnings) logger.warn(warning);
    found[metric.name] = { label: metricLabel(metric, features), higherIsBetter: metric.higherIsBetter, ...result };
  }
  return found;
}
