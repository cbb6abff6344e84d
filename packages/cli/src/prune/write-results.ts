import type { OutputFolder, PruneResult, SaveOptions } from '@secateur/core';
import { atomicOutput } from '@secateur/core/node';
import { throwIfAborted } from '@secateur/graph';
import { type Emit, writeModel } from '../model/write-model.js';
import type { Session } from '../session.js';
import type { Extras } from './extras.js';
import { masksName, writeMasks } from './masks-file.js';
import { modelCard } from './model-card.js';
import type { PruneFlags } from './prune-flags.js';
import { pruneJson } from './prune-json.js';
import { reportHtml } from './report-html.js';

export interface Results {
  readonly out: string;
  /** The model as the user named it. */
  readonly given: string;
  readonly flags: PruneFlags;
  readonly result: PruneResult;
  readonly extras: Extras;
  readonly emit?: readonly Emit[];
  readonly dtype?: SaveOptions['dtype'];
}

/** Writes all that a run leaves behind, in one go. Returns the files. */
export async function writeResults(session: Session, results: Results): Promise<string[]> {
  const { out, flags, result, extras, emit, dtype } = results;
  const { signal } = session;
  const output = await atomicOutput(out, { replace: flags.replace });
  try {
    const files = await writeModel(result.model, output, {
      emit,
      dtype,
      standalone: flags.standalone,
      signal,
      onProgress: session.onWritten,
    });
    if (result.masks) {
      await writeMasks(output, result.masks);
      files.push(masksName);
    }
    const texts: [string, string][] = [
      ['secateur.json', `${JSON.stringify(result.manifest, null, 2)}\n`],
      ['report.json', `${JSON.stringify(pruneJson(result, extras), null, 2)}\n`],
      ['report.html', await reportHtml(result, extras)],
      ['README.md', modelCard(results, files)],
    ];
    for (const [name, text] of texts) {
      await writeText(output, name, text);
      files.push(name);
    }
    throwIfAborted(signal);
    await output.commit();
    return files;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function writeText(out: OutputFolder, name: string, text: string): Promise<void> {
  const sink = await out.create(name);
  try {
    await sink.write(new TextEncoder().encode(text));
  } finally {
    await sink.close();
  }
}
