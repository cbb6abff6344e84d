import type { TrainReport } from '@secateur/train';
import { milliseconds, percent, significant, wholeNumber } from './format-numbers.js';
import { howToLoad } from './how-to-load.js';
import { type Html, html } from './html/html.js';
import { renderPage } from './html/page.js';
import { markdown } from './model-card.js';
import { pictureFigures, type ReportPicture } from './picture.js';
import { plotTraining, runningMean } from './plots/plot-training.js';
import { loadingSection } from './sections/loading.js';
import { flatten } from './sections/run.js';
import type { Section } from './sections/section.js';
import { modelName } from './summary.js';

export interface TrainingReportInput {
  /** Of the model trained. */
  readonly model: string;
  /** Its class in diffusers. */
  readonly className?: string;
  readonly report: TrainReport;
  /** Pictures from the same noise before and after. */
  readonly pictures?: readonly ReportPicture[];
  readonly picturesNote?: string;
  readonly warnings?: readonly string[];
  /** Paths of the files written, relative to the output folder. */
  readonly files?: readonly string[];
}

/**
 * A training as one HTML page: the loss curve, what it was made of, pictures, settings. No script, no request.
 *
 * @throws {SecateurError} BAD_FILE for a picture that is no PNG
 */
export function renderTraining(input: TrainingReportInput): string {
  const { model, className, report, pictures = [], picturesNote = '', warnings = [], files = [] } = input;
  const sections: (Section | undefined)[] = [
    lossSection(report),
    masksSection(report),
    pictures.length > 0
      ? {
          id: 'pictures',
          title: 'Pictures',
          body: html`<p>Made from the same noise. ${picturesNote}</p>${pictureFigures(pictures)}`,
        }
      : undefined,
    settingsSection(report),
    loadingSection(howToLoad(files, className)),
  ];
  return renderPage({
    title: modelName(model),
    kind: 'Secateur training report',
    lead: summary(report),
    warnings,
    sections: sections.filter((section) => section !== undefined),
  });
}

/** `README.md` of a trained model. */
export function trainingCard(input: TrainingReportInput): string {
  const { model, className, report, files = [], warnings = [] } = input;
  const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n');
  const ways = howToLoad(files, className);
  const library = ways.some(({ language }) => language === 'python') ? ['library_name: diffusers'] : [];
  const parts = [
    ['---', ...library, 'tags:', '- diffusion', '- secateur', '---'].join('\n'),
    `# ${markdown(modelName(model))}, trained`,
    markdown(summary(report)),
    '## How it was made',
    list(flatten(report.settings).map(([name, value]) => `${markdown(name)}: ${markdown(value)}`)),
    ...(warnings.length > 0 ? ['## Warnings', list(warnings.map(markdown))] : []),
    ...(ways.length > 0 ? ['## How to load it'] : []),
    ...ways.map(({ title, language, code }) => `${title}:\n\n\`\`\`${language}\n${code}\n\`\`\``),
    '## Limits',
    'Losses are of training batches. Pictures were not judged unless a file beside this one says so. The terms of the model it was made from apply to it as well.',
  ];
  return `${parts.join('\n\n')}\n`;
}

function summary({ losses, trained }: TrainReport): string {
  const means = runningMean(losses);
  const window = Math.max(1, Math.floor(losses.length / 20));
  const [first, last] = [means[window - 1] ?? Number.NaN, means[means.length - 1] ?? Number.NaN];
  return `${wholeNumber(losses.length)} steps on ${wholeNumber(trained)} weights; loss ${significant(first)} → ${significant(last)} (means of ${wholeNumber(window)} steps).`;
}

function lossSection(report: TrainReport): Section {
  const { losses, terms, measured } = report;
  const { seconds, updateSeconds, imagesPerSecond, engine } = measured;
  const body = html`<fieldset class="switch"><legend>Vertical scale</legend><input type="radio" name="loss-scale" id="loss-log" checked><label for="loss-log">logarithmic</label><input type="radio" name="loss-scale" id="loss-linear"><label for="loss-linear">linear</label>
<figure><div class="log">${plotTraining(losses, 'log')}</div><div class="linear">${plotTraining(losses, 'linear')}</div><figcaption>Every step, and the mean of a twentieth of all steps. A step’s loss depends on the timesteps it happened to draw.</figcaption></figure></fieldset>
${termTable(terms)}
<p class="quiet">${significant(imagesPerSecond)} images/s on ${engine}; ${milliseconds(1000 * seconds)} in all, ${percent(updateSeconds / seconds)} of it on masks, clipping, optimiser and average.</p>`;
  return { id: 'loss', title: 'Loss', body };
}

function termTable(terms: TrainReport['terms']): Html {
  const edge = (losses: readonly number[], end: boolean): string => {
    const count = Math.max(1, Math.floor(losses.length / 20));
    const some = end ? losses.slice(-count) : losses.slice(0, count);
    return significant(some.reduce((sum, loss) => sum + loss, 0) / some.length);
  };
  return html`<table class="tight"><thead><tr><th scope="col">term</th><th scope="col" class="n">weight</th><th scope="col" class="n">at first</th><th scope="col" class="n">at the end</th></tr></thead><tbody>${terms.map(
    ({ name, weight, losses }) =>
      html`<tr><th scope="row">${name}</th><td class="n">${significant(weight)}</td><td class="n">${edge(losses, false)}</td><td class="n">${edge(losses, true)}</td></tr>`,
  )}</tbody></table>`;
}

function masksSection({ maskFlips, masks }: TrainReport): Section | undefined {
  if (!masks || !maskFlips) return undefined;
  const mean = (shares: readonly number[]) => shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const tenth = Math.max(1, Math.floor(maskFlips.length / 10));
  const flips = maskFlips.some((share) => share > 0)
    ? html`<p>Share of mask bits that changed from one step to the next: ${percent(mean(maskFlips.slice(1, tenth + 1)), 3)} over the first tenth of the steps, ${percent(mean(maskFlips.slice(-tenth)), 3)} over the last.</p>`
    : undefined;
  const masked = Object.entries(masks.sparsity);
  const body = html`${flips}
<details><summary>${wholeNumber(masked.length)} weights under ${masks.name} masks</summary><table class="tight"><thead><tr><th scope="col">weight</th><th scope="col" class="n">zeros</th></tr></thead><tbody>${masked.map(
    ([name, sparsity]) => html`<tr><th scope="row">${name}</th><td class="n">${percent(sparsity)}</td></tr>`,
  )}</tbody></table></details>
<details><summary>${wholeNumber(masks.dense.length)} weights left dense</summary><table class="tight"><tbody>${masks.dense.map(
    ({ tensor, reason }) => html`<tr><th scope="row">${tensor}</th><td>${reason}</td></tr>`,
  )}</tbody></table></details>`;
  return { id: 'masks', title: 'Masks', body };
}

function settingsSection({ settings, resumedFrom }: TrainReport): Section {
  const rows = flatten(settings);
  const resumed =
    resumedFrom === undefined
      ? undefined
      : html`<p>Went on from the checkpoint of step ${wholeNumber(resumedFrom)}.</p>`;
  const body = html`${resumed}<table class="tight"><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;
  return { id: 'settings', title: 'Settings', body };
}
