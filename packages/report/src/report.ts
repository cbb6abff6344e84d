import type { Manifest, PruneReport } from '@secateur/core';
import type { CompareInput } from './compare.js';
import { compareSections } from './compare-sections.js';
import { howToLoad } from './how-to-load.js';
import { html } from './html/html.js';
import { renderPage } from './html/page.js';
import { pictureFigures, type ReportPicture } from './picture.js';
import type { TimestepError } from './plots/plot-differences.js';
import { additivitySection } from './sections/additivity.js';
import { costSection } from './sections/cost.js';
import { differencesSection } from './sections/differences.js';
import { layersSection } from './sections/layers.js';
import { loadingSection } from './sections/loading.js';
import { notPrunedSection } from './sections/not-pruned.js';
import { runSection } from './sections/run.js';
import { scoresSection } from './sections/scores.js';
import type { Section } from './sections/section.js';
import { sparsitySection } from './sections/sparsity.js';
import { timestepsSection } from './sections/timesteps.js';
import { widthsSection } from './sections/widths.js';
import { modelName, summarize } from './summary.js';

export interface ReportInput {
  readonly report: PruneReport;
  /** Default: the model's name, without the folders it lies in. */
  readonly title?: string;
  /** Adds source hashes, calibration data and versions. */
  readonly manifest?: Manifest;
  /** Grids of the dense and the pruned model from the same noise, maybe their difference. */
  readonly pictures?: readonly ReportPicture[];
  /** How the pictures were made, e.g. `DDIM, 50 steps, seed 7.` */
  readonly picturesNote?: string;
  /** How far the pruned model's output is from the dense model's, by timestep. */
  readonly outputError?: readonly TimestepError[];
  /** What `outputError` measures. Default: a sentence that says no more than that it is the difference. */
  readonly outputErrorNote?: string;
  /** Paths of the files written, relative to the output folder: they decide what "How to load it" says. */
  readonly files?: readonly string[];
  /** Other models beside this one. */
  readonly compare?: CompareInput;
}

/**
 * A pruning run as one HTML page: no script, no request, readable offline, on paper and without seeing it. All text of the
 * input is escaped.
 *
 * @throws {SecateurError} BAD_FILE for a picture that is no PNG
 */
export function renderReport(input: ReportInput): string {
  const {
    report,
    title = modelName(report.model),
    manifest,
    pictures = [],
    picturesNote = '',
    outputError,
    compare,
  } = input;
  const { outputErrorNote = 'How far the pruned model’s output is from the dense model’s.' } = input;
  const sections: (Section | undefined)[] = [
    costSection(report),
    pictures.length > 0 ? picturesSection(pictures, picturesNote) : undefined,
    layersSection(report),
    widthsSection(report),
    sparsitySection(report),
    scoresSection(report),
    timestepsSection(report),
    additivitySection(report),
    outputError && differencesSection([{ name: report.model, points: outputError }], outputErrorNote),
    ...(compare ? compareSections(compare, 'compare-') : []),
    notPrunedSection(report),
    runSection(report, manifest),
    loadingSection(howToLoad(input.files ?? [], manifest?.className)),
  ];
  return renderPage({
    title,
    kind: 'Secateur pruning report',
    lead: summarize(report),
    warnings: report.warnings,
    sections: sections.filter((section) => section !== undefined),
  });
}

function picturesSection(pictures: readonly ReportPicture[], note: string): Section {
  const body = html`<p>Made from the same noise, so that a place in one grid answers to the same place in the others. ${note}</p>${pictureFigures(pictures)}`;
  return { id: 'pictures', title: 'Pictures', body };
}
