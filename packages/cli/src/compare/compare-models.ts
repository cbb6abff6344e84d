import { costOf, type Measured, type Model, measureLatency } from '@secateur/core';
import { atomicFile } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { loadModel, modelPath } from '../model/load-model.js';
import { checkOutputFile } from '../output-paths.js';
import { samePictures } from '../prune/pictures.js';
import type { Session } from '../session.js';
import { bytes, change, count, macs, milliseconds } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

export interface CompareRequest {
  /** Which model of each pipeline or checkpoint of several. Default: the denoiser. */
  readonly component?: string;
  readonly out?: string;
  readonly count: number;
  readonly steps: number;
  readonly sampler: string;
  readonly latency: boolean;
  readonly replace: boolean;
}

export interface ComparedModel extends Measured {
  readonly model: string;
  readonly latencyMs: number | null;
}

export interface Comparison {
  readonly models: readonly ComparedModel[];
  readonly engine?: string;
  readonly out?: string;
}

/** Costs of models side by side, and pictures from the same noise. */
export async function compareModels(
  session: Session,
  given: readonly string[],
  request: CompareRequest,
): Promise<Comparison> {
  const { out, latency, replace, component } = request;
  if (given.length < 2) {
    throw new SecateurError('BAD_OPTION', 'There is only one model to compare.', {
      field: 'models',
      hint: 'Name two or more.',
    });
  }
  const inputs = given.map((path) => session.source(path));
  if (out !== undefined) await checkOut(out, inputs, replace);
  const models: Model[] = [];
  for (const input of inputs) models.push(await loadModel(input, { component }));
  const engine = latency || out !== undefined ? await session.engine() : undefined;
  const { threads, seed } = session.options;
  const { signal } = session;
  const latencies = engine && latency ? await measureLatency(models, { engine, threads, signal }) : [];
  const compared = models.map((model, i): ComparedModel => {
    const own = latencies[i];
    return { model: given[i]!, ...costOf(model), latencyMs: own?.medianMs ?? null, latency: own };
  });
  const comparison = { models: compared, engine: await engine?.describe(), out };
  if (out !== undefined && engine) {
    const pictures = await samePictures(models, {
      ...request,
      engine,
      threads,
      seed,
      signal,
      onProgress: session.progress.listener,
    });
    await writePictures(out, comparison, pictures, { ...request, seed });
  }
  return comparison;
}

async function checkOut(out: string, inputs: readonly string[], replace: boolean): Promise<void> {
  if (!/\.(png|html)$/i.test(out)) {
    throw new SecateurError('BAD_OPTION', `${out} ends neither in .png nor in .html.`, { field: 'out' });
  }
  await checkOutputFile(out, await Promise.all(inputs.map(modelPath)), replace);
}

async function writePictures(
  out: string,
  comparison: Comparison,
  pictures: Awaited<ReturnType<typeof samePictures>>,
  request: CompareRequest & { readonly seed: number },
): Promise<void> {
  const { count: columns, replace } = request;
  const { encodePng } = await import('@secateur/pipelines');
  const content = /\.png$/i.test(out)
    ? encodePng(pictures.flat(), { columns })
    : new TextEncoder().encode(
        await comparisonPage(
          comparison,
          pictures.map((row) => encodePng(row, { columns })),
          request,
        ),
      );
  const file = await atomicFile(out, { replace });
  try {
    await file.write(content);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** A page that opens offline: the table, and one row of pictures a model. */
async function comparisonPage(
  { models, engine }: Comparison,
  rows: readonly Uint8Array[],
  { sampler, steps, seed }: CompareRequest & { readonly seed: number },
): Promise<string> {
  const { renderCompare } = await import('@secateur/report');
  return renderCompare({
    models: models.map((cost, i) => ({ name: cost.model, cost, pictures: [{ label: cost.model, png: rows[i]! }] })),
    engine,
    picturesNote: `${sampler.toUpperCase()}, ${steps} steps, seed ${seed}.`,
  });
}

/** Table of a comparison as cells: headings first. */
export function comparisonCells({ models }: Comparison): string[][] {
  const [first] = models;
  const cell = (value: number, base: number, text: (n: number) => string) => [text(value), change(base, value)];
  const rows = models.map((model) => [
    model.model,
    ...cell(model.parameters, first!.parameters, count),
    ...cell(model.macs, first!.macs, macs),
    ...cell(model.bytes, first!.bytes, bytes),
    ...(model.latencyMs === null ? [] : cell(model.latencyMs, first!.latencyMs ?? 0, milliseconds)),
  ]);
  const timed = first!.latencyMs !== null;
  return [['model', 'parameters', '', 'MACs', '', 'bytes', '', ...(timed ? ['latency', ''] : [])], ...rows];
}

export function comparisonText(comparison: Comparison): string {
  const [titles, ...rows] = comparisonCells(comparison);
  const text = table(
    titles!.map((title, i) => (i === 0 ? left(title) : right(title))),
    rows,
  );
  return comparison.out === undefined ? text : `${text}\n\n${comparison.out}`;
}
