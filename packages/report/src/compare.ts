import type { Measured } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { compareSections } from './compare-sections.js';
import { renderPage } from './html/page.js';
import type { ReportPicture } from './picture.js';
import type { TimestepError } from './plots/plot-differences.js';

/** One of the models compared. */
export interface ComparedModel {
  readonly name: string;
  readonly cost: Measured;
  /** Numbers that judge it, by name, e.g. `{ ssim: 0.93 }`. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Its pictures, from the noise that all models get. */
  readonly pictures?: readonly ReportPicture[];
  /** How far its output is from the first model's, by timestep. */
  readonly differences?: readonly TimestepError[];
}

export interface CompareInput {
  /** At least two; the first is what the others are compared with. */
  readonly models: readonly ComparedModel[];
  readonly title?: string;
  readonly engine?: string;
  /** How the pictures were made, e.g. `DDIM, 50 steps, seed 7.` */
  readonly picturesNote?: string;
  /** What `differences` measures. */
  readonly differencesNote?: string;
  readonly warnings?: readonly string[];
}

/**
 * Models side by side as one HTML page: a table of what they cost and how they do, pictures from the same noise, and how
 * far each is from the first at every timestep.
 *
 * @throws {SecateurError} BAD_OPTION with fewer than two models; BAD_FILE for a picture that is no PNG
 */
export function renderCompare(input: CompareInput): string {
  const { models, warnings = [] } = input;
  if (models.length < 2) {
    throw new SecateurError('BAD_OPTION', `A comparison needs at least two models; ${models.length} given.`, {
      field: 'models',
    });
  }
  const names = models.map(({ name }) => name);
  return renderPage({
    title: input.title ?? `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`,
    kind: 'Secateur comparison',
    lead: `${names.length} models; changes are against the first, ${names[0]}.`,
    warnings,
    sections: compareSections(input),
  });
}
