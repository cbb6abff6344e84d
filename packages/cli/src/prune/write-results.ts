import type { PruneResult, SaveOptions } from '@secateur/core';
import type { Emit } from '../model/write-model.js';
import { writeRun } from '../model/write-run.js';
import { jsonText } from '../model/write-text.js';
import type { Session } from '../session.js';
import { type Extras, reportInput } from './extras.js';
import type { PruneFlags } from './prune-flags.js';

export interface Results {
  readonly out: string;
  readonly flags: PruneFlags;
  readonly result: PruneResult;
  readonly extras: Extras;
  readonly emit?: readonly Emit[];
  readonly dtype?: SaveOptions['dtype'];
}

/** Writes all that a pruning leaves behind, in one go. Returns the files. */
export async function writeResults(session: Session, results: Results): Promise<string[]> {
  const { out, flags, result, extras, emit, dtype } = results;
  const { model, masks, report, manifest } = result;
  const { modelCard, renderReport, reportJson } = await import('@secateur/report');
  return writeRun(session, {
    out,
    flags,
    model,
    masks,
    emit,
    dtype,
    texts: (files) => ({
      'secateur.json': () => jsonText(manifest),
      'report.json': () => jsonText({ ...reportJson(report), outputErrors: extras.outputErrors ?? [] }),
      'report.html': () => renderReport(reportInput(result, extras, files)),
      'README.md': () => modelCard({ report, manifest, files }),
    }),
  });
}
