import type { Masks, Model, SaveOptions } from '@secateur/core';
import type { TrainResult } from '@secateur/train';
import type { Emit } from '../model/write-model.js';
import { writeRun } from '../model/write-run.js';
import { jsonText } from '../model/write-text.js';
import type { PicturePair } from '../prune/pictures.js';
import type { Session } from '../session.js';
import type { TrainFlags } from './train-flags.js';

export interface TrainingResults {
  readonly out: string;
  readonly flags: TrainFlags;
  readonly model: Model;
  readonly result: TrainResult;
  readonly masks?: Masks;
  readonly pictures?: PicturePair;
  readonly emit?: readonly Emit[];
  readonly dtype?: SaveOptions['dtype'];
}

/** Writes all that a training leaves behind, in one go. Returns the files. */
export async function writeTraining(session: Session, results: TrainingResults): Promise<string[]> {
  const { out, flags, model, result, masks, pictures, emit, dtype } = results;
  const { report } = result;
  const { renderTraining, trainingCard } = await import('@secateur/report');
  return writeRun(session, {
    out,
    flags,
    model: result.model,
    masks,
    emit,
    dtype,
    texts: (files) => {
      const page = {
        model: model.name,
        className: model.className,
        report,
        files,
        pictures: pictures && [
          { label: 'Before', png: pictures.dense },
          { label: 'After', png: pictures.pruned },
        ],
        picturesNote: pictures && `${pictures.sampler.toUpperCase()}, ${pictures.steps} steps, seed ${pictures.seed}.`,
      };
      return {
        'secateur.json': () => jsonText({ format: 'secateur-training-1', settings: report.settings }),
        'report.json': () => jsonText(report),
        'report.html': () => renderTraining(page),
        'README.md': () => trainingCard(page),
      };
    },
  });
}
