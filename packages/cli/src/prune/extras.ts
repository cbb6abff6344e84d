import type { Calibration, Engine, Model, PruneResult } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { type OutputError, outputErrors } from '@secateur/metrics';
import type { ReportInput } from '@secateur/report';
import { pictureInputsOf } from '../model/sampler-of.js';
import type { Session } from '../session.js';
import { type PicturePair, picturePair } from './pictures.js';

/** What a report shows besides the numbers of `prune()`. */
export interface Extras {
  readonly pictures?: PicturePair;
  readonly outputErrors?: readonly OutputError[];
}

export interface ExtrasRequest {
  readonly model: Model;
  readonly result: PruneResult;
  readonly engine: Engine;
  readonly data?: Calibration;
  readonly pictures: boolean;
}

/** Pictures of both models from the same noise, and how far their outputs are apart. */
export async function makeExtras(session: Session, request: ExtrasRequest): Promise<Extras> {
  const { model, result, engine, data, pictures } = request;
  const { threads, seed } = session.options;
  const common = { engine, threads, signal: session.signal, onProgress: session.progress.listener };
  const models = [model, result.model] as const;
  return {
    outputErrors: data && (await outputErrors(models, data, common)),
    pictures: pictures && makesPictures(session, model) ? await picturePair(models, { ...common, seed }) : undefined,
  };
}

/** Whether a model can draw by itself: other models get a report without pictures, and a message that says so. */
export function makesPictures(session: Session, model: Model): boolean {
  try {
    if (pictureInputsOf(model).channels <= 4) return true;
    session.logger.info('No pictures: the model works on latents.');
  } catch (error) {
    if (!(error instanceof SecateurError)) throw error;
    session.logger.info(`No pictures: ${error.message}`);
  }
  return false;
}

/** What the HTML report is made from. */
export function reportInput(result: PruneResult, extras: Extras, files: readonly string[]): ReportInput {
  const { pictures, outputErrors: errors } = extras;
  return {
    report: result.report,
    manifest: result.manifest,
    files,
    pictures: pictures && [
      { label: 'Dense', png: pictures.dense },
      { label: 'Pruned', png: pictures.pruned },
    ],
    picturesNote: pictures && `${pictures.sampler.toUpperCase()}, ${pictures.steps} steps, seed ${pictures.seed}.`,
    outputError: errors?.map(({ timestep, relative }) => ({ timestep, error: relative })),
    outputErrorNote:
      'Mean squared distance between the two outputs over the mean square of the dense one, on the calibration images.',
  };
}
