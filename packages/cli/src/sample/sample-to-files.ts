import type { Model } from '@secateur/core';
import { type AtomicOptions, atomicFile, type OutputFile } from '@secateur/core/node';
import { SecateurError, type Tensor } from '@secateur/graph';
import { loadModel, modelPath } from '../model/load-model.js';
import { samplerOf } from '../model/sampler-of.js';
import { checkOutputFile } from '../output-paths.js';
import type { Session } from '../session.js';

export interface SampleRequest extends AtomicOptions {
  readonly count: number;
  readonly steps: number;
  readonly sampler?: string;
  readonly columns?: number;
  readonly out?: string;
  readonly raw?: string;
  readonly replace: boolean;
}

export interface Sampled {
  readonly files: readonly string[];
  readonly count: number;
  readonly steps: number;
  /** Class of the scheduler. */
  readonly sampler: string;
  readonly seed: number;
}

/** Draws pictures and writes them. @throws {SecateurError} BAD_OPTION, EXISTS, and what models and engines throw */
export async function sampleToFiles(session: Session, input: string, request: SampleRequest): Promise<Sampled> {
  const { out, raw, replace, count, steps } = request;
  const targets = [out, raw].filter((path) => path !== undefined);
  if (targets.length === 0) {
    throw new SecateurError('BAD_OPTION', 'Neither --out nor --raw is given.', {
      field: 'out',
      hint: 'Name a PNG: --out grid.png.',
    });
  }
  for (const path of targets) await checkOutputFile(path, [await modelPath(input)], replace);
  const model = await loadModel(input);
  const { createPipeline, encodePng } = await import('@secateur/pipelines');
  const { signal, options } = session;
  const pipeline = await createPipeline(model, {
    engine: await session.engine(),
    threads: options.threads,
    sampler: await chosenSampler(session, model, request.sampler),
    signal,
  });
  try {
    const { images, raw: samples } = await pipeline({
      count,
      steps,
      seed: options.seed,
      signal,
      onStep: ({ done, total }) => session.progress.listener({ phase: 'sampling', done, total, unit: 'steps' }),
    });
    if (out !== undefined && images.length === 0) {
      throw new SecateurError('BAD_OPTION', `${model.name} makes ${samples.shape[1]} channels, which are no picture.`, {
        field: 'out',
        hint: 'Write the numbers with --raw.',
      });
    }
    const files: [string, (file: OutputFile) => Promise<void>][] = [];
    if (out !== undefined) files.push([out, (file) => file.write(encodePng(images, { columns: request.columns }))]);
    if (raw !== undefined) files.push([raw, (file) => writeRaw(file, samples)]);
    await writeAll(files, replace);
  } finally {
    await pipeline.dispose();
  }
  return { files: targets, count, steps, sampler: pipeline.sampler.className, seed: options.seed };
}

async function chosenSampler(session: Session, model: Model, name: string | undefined) {
  return name ?? samplerOf(model, session.logger);
}

async function writeRaw(file: OutputFile, samples: Tensor): Promise<void> {
  const { writeSafetensors } = await import('@secateur/safetensors');
  const { dtype, shape } = samples;
  await writeSafetensors(file, [{ name: 'samples', dtype, shape, read: async () => samples }]);
}

/** All files or none. */
async function writeAll(
  files: readonly (readonly [string, (file: OutputFile) => Promise<void>])[],
  replace: boolean,
): Promise<void> {
  const opened: OutputFile[] = [];
  try {
    for (const [path, write] of files) {
      const file = await atomicFile(path, { replace });
      opened.push(file);
      await write(file);
    }
    for (const file of opened) await file.commit();
  } catch (error) {
    for (const file of opened) await file.discard();
    throw error;
  }
}
