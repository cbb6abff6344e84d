import type { PruneResult, SaveOptions } from '@secateur/core';
import { atomicOutput } from '@secateur/core/node';
import { throwIfAborted } from '@secateur/graph';
import { type Emit, writeModel } from '../model/write-model.js';
import { jsonText, writeText } from '../model/write-text.js';
import type { Session } from '../session.js';
import { type Extras, reportInput } from './extras.js';
import { masksName, writeMasks } from './masks-file.js';
import type { PruneFlags } from './prune-flags.js';

export interface Results {
  readonly out: string;
  readonly flags: PruneFlags;
  readonly result: PruneResult;
  readonly extras: Extras;
  readonly emit?: readonly Emit[];
  readonly dtype?: SaveOptions['dtype'];
}

const texts = ['secateur.json', 'report.json', 'report.html', 'README.md'] as const;

/** Writes all that a run leaves behind, in one go. Returns the files. */
export async function writeResults(session: Session, results: Results): Promise<string[]> {
  const { out, flags, result, extras, emit, dtype } = results;
  const { signal } = session;
  const { modelCard, renderReport, reportJson } = await import('@secateur/report');
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
    const { report, manifest } = result;
    const all = [...files, ...texts];
    const contents: Record<(typeof texts)[number], () => string> = {
      'secateur.json': () => jsonText(manifest),
      'report.json': () => jsonText({ ...reportJson(report), outputErrors: extras.outputErrors ?? [] }),
      'report.html': () => renderReport(reportInput(result, extras, all)),
      'README.md': () => modelCard({ report, manifest, files: all }),
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
