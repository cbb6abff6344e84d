import type { Masks, Model } from '@secateur/core';
import { atomicOutput } from '@secateur/core/node';
import { throwIfAborted } from '@secateur/graph';
import { masksName, writeMasks } from '../prune/masks-file.js';
import type { Session } from '../session.js';
import { type WriteModelOptions, writeModel } from './write-model.js';
import { writeText } from './write-text.js';

const textNames = ['secateur.json', 'report.json', 'report.html', 'README.md'] as const;

export interface WriteRunOptions extends Pick<WriteModelOptions, 'emit' | 'dtype'> {
  readonly out: string;
  readonly flags: { readonly replace: boolean; readonly standalone: boolean };
  readonly model: Model;
  readonly masks?: Masks;
  /** What stands beside the model, from the names of all files. Made one at a time, as they are written. */
  readonly texts: (files: readonly string[]) => Record<(typeof textNames)[number], () => string>;
}

/** Writes all that a pruning or a training leaves behind, in one go: all of it or nothing. Returns the files. */
export async function writeRun(session: Session, options: WriteRunOptions): Promise<string[]> {
  const { out, flags, model, masks, texts, emit, dtype } = options;
  const { signal } = session;
  const output = await atomicOutput(out, { replace: flags.replace });
  try {
    const { standalone } = flags;
    const files = await writeModel(model, output, { emit, dtype, standalone, signal, onProgress: session.onWritten });
    if (masks) {
      await writeMasks(output, masks);
      files.push(masksName);
    }
    const all = [...files, ...textNames];
    const contents = texts(all);
    for (const name of textNames) await writeText(output, name, contents[name]());
    throwIfAborted(signal);
    await output.commit();
    return all;
  } catch (error) {
    await output.discard();
    throw error;
  }
}
