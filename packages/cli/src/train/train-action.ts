import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Masks, Model } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import type { DistillOptions, LossTerm, TrainingMethod, TrainingPlan, TrainResult } from '@secateur/train';
import { parseEmit } from '../model/convert-model.js';
import { loadModel, modelPath } from '../model/load-model.js';
import { denoiserInputsOf, samplerOf, timestepScaleOf } from '../model/sampler-of.js';
import { parseDtype } from '../model/write-model.js';
import { checkOutput } from '../output-paths.js';
import { makesPictures } from '../prune/extras.js';
import { readMasks } from '../prune/masks-file.js';
import { type PicturePair, picturePair } from '../prune/pictures.js';
import { runFolderOf } from '../prune/run-folder.js';
import type { Session } from '../session.js';
import { loadTrainingData } from './load-training-data.js';
import { type TrainFlags, trainOptions } from './train-flags.js';
import { trainText } from './train-text.js';
import { writeTraining } from './write-training.js';

/** What distillation adds: a teacher, and either losses or a method that brings them. */
export type Distillation = { readonly teacher: string } & (
  | { readonly terms: DistillTerms; readonly method?: undefined }
  | { readonly method: TrainingMethod }
);

type DistillTerms = Pick<
  DistillOptions,
  'preset' | 'task' | 'output' | 'features' | 'guided' | 'normalized' | 'at' | 'scale'
>;

/** `secateur finetune`, and with a teacher `secateur distill`. */
export async function trainAction(
  session: Session,
  given: string,
  flags: TrainFlags,
  distillation?: Distillation,
): Promise<void> {
  const { folderCheckpoints } = await import('@secateur/train/node');
  const emit = flags.emit === undefined ? undefined : parseEmit(flags.emit, 'emit');
  const dtype = flags.dtype === undefined ? undefined : parseDtype(flags.dtype);
  const plan = await planOf(distillation, flags.steps);
  const options = await trainOptions(flags);
  const input = session.source(given);
  const dataPath = session.source(flags.data);
  const teacherPath = distillation && session.source(distillation.teacher);
  const out = session.path(flags.out);
  const inputs = [input, dataPath, ...(teacherPath === undefined ? [] : [teacherPath])];
  await checkOutput(out, await Promise.all(inputs.map(modelPath)), flags.replace);
  const model = await loadModel(input);
  const teacher = teacherPath === undefined ? undefined : await loadModel(teacherPath);
  const masks = await masksBeside(await modelPath(input), flags, plan);
  const { data, unconditional, isMasked } = await loadTrainingData(model, dataPath, { ...flags, ...common(session) });
  const engine = await session.engine();
  const checkpoints = folderCheckpoints(runFolderOf(out));
  const result = await run(session, model, {
    ...options,
    ...(masks && { mask: (await import('@secateur/train')).fixedMask(masks) }),
    ...(plan.mask && { mask: plan.mask }),
    losses: isMasked ? plan.losses.map(masked) : plan.losses,
    teacher,
    unconditional,
    data,
    engine,
    checkpoints,
  });
  const pictures = flags.pictures ? await picturesOf(session, [model, result.model], engine) : undefined;
  // Of weights that were not trained the old masks hold.
  const allMasks = masks || result.masks ? new Map([...(masks ?? []), ...(result.masks ?? [])]) : undefined;
  const files = await writeTraining(session, { out, flags, model, result, masks: allMasks, pictures, emit, dtype });
  await checkpoints.clear();
  session.result({ ...result.report, out, files }, () => trainText(model.name, result.report, out, files));
}

async function planOf(distillation: Distillation | undefined, steps: number): Promise<TrainingPlan> {
  const { denoising, distillTerms } = await import('@secateur/train');
  if (distillation?.method) return distillation.method.training({ steps });
  return { losses: distillation ? distillTerms(distillation.terms) : [denoising()] };
}

/** With a mask in the data, what it leaves out does not count in distances of outputs. */
function masked(term: LossTerm): LossTerm {
  return term.kind === 'denoising' || term.kind === 'output' ? { ...term, masked: true } : term;
}

function common({ logger, signal }: Session): Pick<Session, 'logger' | 'signal'> {
  return { logger, signal };
}

async function run(
  session: Session,
  model: Model,
  options: Omit<Parameters<typeof import('@secateur/train').train>[1], 'sampler'>,
): Promise<TrainResult> {
  const { train } = await import('@secateur/train');
  const inputs = denoiserInputsOf(model);
  if (!inputs) {
    throw new SecateurError('BAD_OPTION', `${model.name} has no noisy sample and timestep: it is no denoiser.`, {
      field: 'model',
    });
  }
  return train(model, {
    ...options,
    sampler: await samplerOf(model, session.logger),
    names: { sample: inputs.sample.name, timestep: inputs.timestep.name },
    timestepScale: timestepScaleOf(model),
    seed: session.options.seed,
    threads: session.options.threads,
    ...common(session),
    onProgress: session.progress.listener,
  });
}

/** Masks that a pruning run left beside the model: what they zero must stay zero. */
async function masksBeside(path: string, flags: TrainFlags, plan: TrainingPlan): Promise<Masks | undefined> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const masks = await readMasks(await nodeFolder(isFolder ? path : dirname(resolve(path))));
  const isGiven = { mask: flags.mask !== undefined, lora: flags.lora !== undefined, method: plan.mask !== undefined };
  const clash = (['mask', 'lora', 'method'] as const).find((flag) => isGiven[flag]);
  if (!masks || !clash) return masks;
  throw new SecateurError('BAD_OPTION', `The model has masks of its own, which --${clash} would break.`, {
    field: clash,
    hint: 'Leave it out, or remove masks.safetensors from the model’s folder.',
  });
}

async function picturesOf(
  session: Session,
  models: readonly [Model, Model],
  engine: Awaited<ReturnType<Session['engine']>>,
): Promise<PicturePair | undefined> {
  if (!makesPictures(session, models[0])) return undefined;
  const { threads, seed } = session.options;
  const { signal } = session;
  return picturePair(models, { engine, threads, seed, signal, onProgress: session.progress.listener });
}
