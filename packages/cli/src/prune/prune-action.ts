import {
  type Calibration,
  type Engine,
  type Method,
  type Model,
  type PruneResult,
  prune,
  type Registry,
  removing,
} from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { parseEmit } from '../model/convert-model.js';
import { loadCalibration } from '../model/load-images.js';
import { loadModel, modelPath } from '../model/load-model.js';
import { parseDtype } from '../model/write-model.js';
import { checkOutput } from '../output-paths.js';
import type { Session } from '../session.js';
import { checkExpressible } from './expressible.js';
import { makeExtras } from './extras.js';
import { type PruneFlags, pruneSettings } from './prune-flags.js';
import { dryRunText, pruneText } from './prune-text.js';
import { resolveMethod } from './resolve-method.js';
import { runFolder, runFolderOf } from './run-folder.js';
import { writeResults } from './write-results.js';

/** The method that the flags name, or the removal that they spell out. */
async function methodOf(
  registry: Registry,
  { method: name, remove, treatment, option, selector }: PruneFlags,
  options: Readonly<Record<string, unknown>>,
): Promise<Method> {
  if (remove !== undefined) return removing({ units: remove.split(',').map((id) => id.trim()), treatment });
  if (name !== undefined) return resolveMethod(registry, { name, options, pairs: option ?? [], selector });
  throw new SecateurError('BAD_OPTION', '--method is missing.', {
    field: 'method',
    hint: 'Name a method or a criterion (`secateur methods` lists them), or what goes: --remove mid_block.',
  });
}

/** `secateur prune`: everything is checked that can be before the work begins, and nothing is written before it is done. */
export async function pruneAction(
  session: Session,
  given: string,
  flags: PruneFlags,
  methodOptions: Readonly<Record<string, unknown>>,
): Promise<void> {
  const settings = pruneSettings(flags);
  const emit = flags.emit === undefined ? undefined : parseEmit(flags.emit, 'emit');
  const dtype = flags.dtype === undefined ? undefined : parseDtype(flags.dtype);
  const input = session.source(given);
  const out = flags.out === undefined || flags.dryRun ? undefined : session.path(flags.out);
  if (out !== undefined)
    await checkOutput(out, [await modelPath(input), ...(await dataPaths(session, flags))], flags.replace);
  const registry = await session.registry();
  const method = await methodOf(registry, flags, methodOptions);
  const model = await loadModel(input, { component: flags.component });
  const engine = await session.engine();
  const data = await calibrationOf(session, { path: input, engine }, model, flags);
  const store = out === undefined ? undefined : runFolder(runFolderOf(out));
  try {
    const result = await prune(model, {
      ...settings,
      method,
      expressible: flags.expressible,
      data,
      engine,
      threads: session.options.threads,
      latency: flags.latency,
      seed: session.options.seed,
      signal: session.signal,
      logger: session.logger,
      onProgress: session.progress.listener,
      store,
      dryRun: flags.dryRun,
    });
    if (flags.expressible && result.cut) await checkExpressible({ ...model, graph: result.cut.graph });
    if (out === undefined) return await tellDryRun(session, result);
    const extras = await makeExtras(session, { model, result, engine, data, pictures: flags.pictures });
    const files = await writeResults(session, { out, flags, result, extras, emit, dtype });
    await store?.clear();
    const json = await resultJson(result);
    session.result({ ...json, outputErrors: extras.outputErrors ?? [], out, files }, () =>
      pruneText(result, out, files),
    );
  } catch (error) {
    if (isFinal(error)) await store?.clear();
    throw error;
  }
}

/**
 * Whether the same run would fail again, or was given up: nothing of it is kept then. A full disk, a failing engine or a
 * fault of this program is no reason to forget hours of work.
 */
function isFinal(error: unknown): boolean {
  return error instanceof SecateurError && error.code !== 'IO' && error.code !== 'ENGINE_FAILED';
}

async function tellDryRun(session: Session, result: PruneResult): Promise<void> {
  session.result({ ...(await resultJson(result)), dryRun: true }, () => dryRunText(result));
}

/** `report.json` without the scores, which are most of its bytes. */
async function resultJson({ report }: PruneResult): Promise<object> {
  const { reportJson } = await import('@secateur/report');
  return reportJson(report, { scores: false });
}

async function calibrationOf(
  session: Session,
  pipeline: { readonly path: string; readonly engine: Engine },
  model: Model,
  flags: PruneFlags,
): Promise<Calibration | undefined> {
  if (flags.data === undefined) return undefined;
  const { signal, logger, options } = session;
  return loadCalibration(model, session.source(flags.data), {
    samples: flags.samples,
    pipeline: { ...pipeline, threads: options.threads },
    seed: options.seed,
    logger,
    signal,
  });
}

async function dataPaths(session: Session, { data }: PruneFlags): Promise<string[]> {
  return data === undefined ? [] : [await modelPath(session.source(data))];
}
