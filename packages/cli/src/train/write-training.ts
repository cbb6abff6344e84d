import type { Masks, Model, SaveOptions } from '@secateur/core';
import { atomicOutput } from '@secateur/core/node';
import { throwIfAborted } from '@secateur/graph';
import type { TrainResult } from '@secateur/train';
import { type Emit, writeModel } from '../model/write-model.js';
import { jsonText, writeText } from '../model/write-text.js';
import { masksName, writeMasks } from '../prune/masks-file.js';
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
  const { signal } = session;
  const { renderTraining, trainingCard } = await import('@secateur/report');
  const output = await atomicOutput(out, { replace: flags.replace });
  try {
    const { standalone } = flags;
    const options = { emit, dtype, standalone, signal, onProgress: session.onWritten };
    const files = await writeModel(result.model, output, options);
    if (masks) {
      await writeMasks(output, masks);
      files.push(masksName);
    }
    const { report } = result;
    const texts = ['secateur.json', 'report.json', 'report.html', 'README.md'] as const;
    const all = [...files, ...texts];
    const page = {
      model: model.name,
      className: model.className,
      report,
      files: all,
      pictures: pictures && [
        { label: 'Before', png: pictures.dense },
        { label: 'After', png: pictures.pruned },
      ],
      picturesNote: pictures && `${pictures.sampler.toUpperCase()}, ${pictures.steps} steps, seed ${pictures.seed}.`,
    };
    const contents: Record<(typeof texts)[number], () => string> = {
      'secateur.json': () => jsonText({ format: 'secateur-training-1', settings: report.settings }),
      'report.json': () => jsonText(report),
      'report.html': () => renderTraining(page),
      'README.md': () => trainingCard(page),
    };
    for (const name of texts) await writeText(output, name, contents[name]());
    throwIfAborted(signal);
    await output.commit();
    return all;
  } catch (error) {
    await output.discard();
    throw error;
  }
}
