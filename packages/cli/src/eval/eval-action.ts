import type { Metric, Model } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { Evaluation } from '@secateur/metrics';
import { loadCalibration } from '../model/load-images.js';
import { loadModel } from '../model/load-model.js';
import { flagsOf, parsePairs } from '../plugins/option-flags.js';
import type { Session } from '../session.js';
import { commaList } from '../shared-options.js';
import { featuresFor, loadFeatures } from './load-features.js';
import { loadPictures } from './load-pictures.js';

/** Not a metric of pictures: it looks at the models themselves. */
export const outputErrorName = 'output-error';

export interface EvalFlags {
  /** Of the model and the reference alike. */
  readonly component?: string;
  readonly reference?: string;
  readonly data?: string;
  readonly dataCount?: number;
  readonly metrics?: string;
  readonly option: readonly string[];
  readonly features?: string;
  readonly featuresOutput?: string;
  readonly count: number;
  readonly steps: number;
  readonly sampler: string;
  readonly eta: number;
  readonly batch: number;
  readonly classes?: number;
  readonly timesteps: number;
  readonly errorImages: number;
}

/** Metrics by name with `--option`, what they need from the command line, and the evaluation. */
export async function evaluateModels(session: Session, given: string, flags: EvalFlags): Promise<Evaluation> {
  const names = commaList(flags.metrics ?? usualMetrics(flags));
  if (names.length === 0) throw new SecateurError('BAD_OPTION', '--metrics names none.', { field: 'metrics' });
  const wantsErrors = names.includes(outputErrorName);
  const metrics = await metricsNamed(
    session,
    names.filter((name) => name !== outputErrorName),
    flags.option,
  );
  checkFlags(flags, metrics, wantsErrors);
  const load = (path: string) => loadModel(session.source(path), { component: flags.component });
  const model = await load(given);
  const reference = flags.reference === undefined ? undefined : await load(flags.reference);
  const data = flags.data === undefined ? undefined : session.source(flags.data);
  const { logger, signal } = session;
  const needsImages = metrics.some(({ compares }) => compares === 'sets');
  const images =
    needsImages && data ? await loadPictures(model, data, { count: flags.dataCount, logger, signal }) : undefined;
  const calibration =
    wantsErrors && data
      ? await loadCalibration(model, data, { samples: flags.errorImages, seed: session.options.seed, logger, signal })
      : undefined;
  const { evaluate } = await import('@secateur/metrics');
  const engine = await session.engine();
  const { threads, seed } = session.options;
  const needsFeatures = metrics.some(({ subject }) => subject === 'features');
  const features = needsFeatures ? await featuresOf(session, flags, engine) : undefined;
  try {
    return await evaluate(model, {
      engine,
      threads,
      metrics,
      reference,
      images,
      features,
      calibration,
      timesteps: flags.timesteps,
      count: flags.count,
      steps: flags.steps,
      sampler: flags.sampler,
      eta: flags.eta,
      seed,
      batchSize: flags.batch,
      classes: flags.classes ?? classesOf(model),
      logger,
      signal,
      onProgress: session.progress.listener,
    });
  } finally {
    await features?.dispose?.();
  }
}

function usualMetrics({ reference, data }: EvalFlags): string {
  const sets = data === undefined ? [] : ['fd', 'kid'];
  const pairs = reference === undefined ? [] : ['ssim', 'psnr'];
  const errors = reference === undefined || data === undefined ? [] : [outputErrorName];
  const names = [...sets, ...pairs, ...errors];
  if (names.length > 0) return names.join(',');
  throw new SecateurError('BAD_OPTION', 'There is nothing to judge by: neither --data nor --reference is given.', {
    field: 'data',
    hint: 'Give real pictures with --data, or the dense model with --reference.',
  });
}

/** @throws {SecateurError} BAD_OPTION for an unknown metric, or an option of none */
async function metricsNamed(session: Session, names: readonly string[], pairs: readonly string[]): Promise<Metric[]> {
  const [registry, { addInstalled }] = await Promise.all([session.registry(), import('../plugins/add-installed.js')]);
  await addInstalled(registry, session);
  for (const pair of pairs) {
    if (names.some((name) => pair.startsWith(`${name}.`))) continue;
    throw new SecateurError('BAD_OPTION', `--option ${pair} is for none of the metrics ${names.join(', ')}.`, {
      field: 'option',
      hint: 'Write METRIC.KEY=VALUE: --option kid.subsets=50.',
    });
  }
  return names.map((name) => {
    const factory = registry.get('metric', name);
    const own = pairs.filter((pair) => pair.startsWith(`${name}.`)).map((pair) => pair.slice(name.length + 1));
    return factory(parsePairs(own, flagsOf(factory), name) as never) as Metric;
  });
}

/** What is missing is said before anything is loaded. */
function checkFlags(flags: EvalFlags, metrics: readonly Metric[], wantsErrors: boolean): void {
  const lacks = (name: string, flag: string, what: string) => {
    throw new SecateurError('MISSING_NEED', `${name} needs ${what}.`, {
      field: flag.slice(2),
      hint: `Give ${flag}.`,
    });
  };
  for (const { name, compares } of metrics) {
    if (compares === 'sets' && flags.data === undefined) lacks(name, '--data', 'real pictures');
    if (compares === 'pairs' && flags.reference === undefined) lacks(name, '--reference', 'the dense model');
  }
  if (!wantsErrors) return;
  if (flags.reference === undefined) lacks(outputErrorName, '--reference', 'the dense model');
  if (flags.data === undefined) lacks(outputErrorName, '--data', 'pictures to make noisy');
}

async function featuresOf(session: Session, flags: EvalFlags, engine: Awaited<ReturnType<Session['engine']>>) {
  const path = flags.features === undefined ? await featuresFor(flags.data!) : session.source(flags.features);
  if (path === undefined) {
    throw new SecateurError('MISSING_NEED', `There are no features that go with ${flags.data}.`, {
      field: 'features',
      hint: 'Name a feature extractor: --features model.onnx, or zoo:fashion-classifier for pictures of clothes.',
    });
  }
  const { threads } = session.options;
  return loadFeatures(path, { engine, threads, output: flags.featuresOutput, signal: session.signal });
}

/** Number of classes, where the configuration says it and the model takes labels. */
function classesOf({ graph, config }: Model): number | undefined {
  if (!graph.inputs.some(({ name }) => name === 'class_labels')) return undefined;
  const found = config?.num_class_embeds ?? config?.num_embeds_ada_norm;
  return typeof found === 'number' ? found : undefined;
}
