import { readFile } from 'node:fs/promises';
import { type AtomicOptions, atomicFile, type OutputFile } from '@secateur/core/node';
import { SecateurError, type Tensor } from '@secateur/graph';
import type { Bitmap, DiffusionPipeline, Generated, GenerateOptions } from '@secateur/pipelines';
import { modelPath } from '../model/load-model.js';
import { checkOutputFile } from '../output-paths.js';
import type { Session } from '../session.js';
import { isOnHub, type OpenPipelineRequest, openPipeline } from './open-pipeline.js';
import { readPrompts } from './read-prompts.js';

export interface SampleRequest extends AtomicOptions, OpenPipelineRequest {
  readonly count?: number;
  readonly steps?: number;
  readonly prompt: readonly string[];
  /** A file of prompts. */
  readonly prompts?: string;
  readonly negative?: string;
  readonly guidance?: number;
  readonly guidanceRescale?: number;
  readonly label?: readonly number[];
  readonly width?: number;
  readonly height?: number;
  readonly image?: string;
  readonly strength?: number;
  readonly batch?: number;
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
  /** Where the model takes them: one for each row of pictures. */
  readonly prompts?: readonly string[];
  readonly guidance?: number;
}

/** Pictures of a model that is asked for nothing in particular. */
const usualCount = 16;

/** Draws pictures and writes them. @throws {SecateurError} BAD_OPTION, EXISTS, and what models and engines throw */
export async function sampleToFiles(session: Session, input: string, request: SampleRequest): Promise<Sampled> {
  const { out, raw, replace } = request;
  const targets = [out, raw].filter((path) => path !== undefined);
  if (targets.length === 0) {
    throw new SecateurError('BAD_OPTION', 'Neither --out nor --raw is given.', {
      field: 'out',
      hint: 'Name a PNG: --out grid.png.',
    });
  }
  const inputs = isOnHub(input) ? [] : [await modelPath(input)];
  for (const path of targets) await checkOutputFile(path, inputs, replace);
  const prompts = await promptsOf(request);
  const image = request.image === undefined ? undefined : await pictureAt(request.image);
  const pipeline = await openPipeline(session, input, request);
  try {
    const options = optionsFor(session, pipeline, request, image);
    const result = await (prompts.length > 0 ? pipeline(prompts, options) : pipeline(options));
    await write(result, pipeline.model.name, request, prompts.length > 1 ? (request.count ?? 1) : undefined);
    const guidance = request.guidance ?? pipeline.guidanceScale;
    return {
      files: targets,
      count: result.raw.shape[0]!,
      steps: request.steps ?? pipeline.steps,
      sampler: pipeline.sampler.className,
      seed: session.options.seed,
      ...(prompts.length > 0 && { prompts }),
      ...(guidance !== undefined && { guidance }),
    };
  } finally {
    await pipeline.dispose();
  }
}

async function promptsOf({ prompt, prompts }: SampleRequest): Promise<readonly string[]> {
  return prompts === undefined ? prompt : [...prompt, ...(await readPrompts(prompts))];
}

async function pictureAt(path: string): Promise<Bitmap> {
  const { decodePng } = await import('@secateur/pipelines');
  const bytes = await readFile(path).catch((cause) => {
    throw new SecateurError('IO', `${path} cannot be read.`, { file: path, cause });
  });
  return decodePng(bytes, path);
}

function optionsFor(
  session: Session,
  pipeline: DiffusionPipeline,
  request: SampleRequest,
  image: Bitmap | undefined,
): GenerateOptions {
  const { steps, guidance, guidanceRescale, negative, label, width, height, strength, batch } = request;
  const count = request.count ?? (pipeline.takes === 'nothing' && !image ? usualCount : undefined);
  return {
    count: label && label.length > 0 ? undefined : count,
    steps,
    guidanceScale: guidance,
    guidanceRescale,
    negativePrompt: negative,
    classLabels: label && repeated(label, request.count ?? 1),
    width,
    height,
    image,
    strength,
    batchSize: batch,
    seed: session.options.seed,
    signal: session.signal,
    onProgress: session.progress.listener,
  };
}

function repeated(labels: readonly number[], count: number): number[] {
  return labels.flatMap((label) => new Array<number>(count).fill(label));
}

/** @param columns  pictures in a row, unless the request says */
async function write(
  { images, raw: samples }: Generated,
  name: string,
  request: SampleRequest,
  columns: number | undefined,
): Promise<void> {
  const { out, raw, replace } = request;
  if (out !== undefined && images.length === 0) {
    throw new SecateurError('BAD_OPTION', `${name} makes ${samples.shape[1]} channels, which are no picture.`, {
      field: 'out',
      hint: 'Write the numbers with --raw.',
    });
  }
  const { encodePng } = await import('@secateur/pipelines');
  const grid = { columns: request.columns ?? (columns !== undefined && columns > 1 ? columns : undefined) };
  const files: [string, (file: OutputFile) => Promise<void>][] = [];
  if (out !== undefined) files.push([out, (file) => file.write(encodePng(images, grid))]);
  if (raw !== undefined) files.push([raw, (file) => writeRaw(file, samples)]);
  await writeAll(files, replace);
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
