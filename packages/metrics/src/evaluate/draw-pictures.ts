import type { Engine, Model, ProgressListener } from '@secateur/core';
import { SecateurError, type Tensor, throwIfAborted } from '@secateur/graph';
import {
  bitmapsFrom,
  createPipeline,
  type DiffusionPipeline,
  type SamplerChoice,
  tensorFromBitmaps,
} from '@secateur/pipelines';
import { type TorchGenerator, torchGenerator } from '@secateur/samplers';

/** Pictures drawn at once: bounds memory. Part of the result, since later ones start from where the noise of these ended. */
const PART = 64;

export interface DrawOptions {
  readonly engine: Engine;
  readonly threads?: number;
  readonly count: number;
  readonly steps: number;
  readonly sampler?: SamplerChoice;
  readonly eta: number;
  readonly seed: number;
  readonly batchSize?: number;
  readonly classes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface Drawing {
  /** Class of the scheduler. */
  readonly sampler: string;
  /** Up to 64 pictures of each model from the same noise, again and again, until all are drawn. */
  parts(): AsyncIterable<readonly Tensor[]>;
  dispose(): Promise<void>;
}

/** @throws {SecateurError} BAD_OPTION when a model makes no pictures or two make different ones; what pipelines throw */
export async function drawPictures(models: readonly Model[], options: DrawOptions): Promise<Drawing> {
  const { engine, threads, sampler = 'ddim', signal } = options;
  const pipelines: DiffusionPipeline[] = [];
  const dispose = async (): Promise<void> => {
    for (const pipeline of pipelines) await pipeline.dispose();
  };
  try {
    for (const model of models) pipelines.push(await createPipeline(model, { engine, threads, sampler, signal }));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { sampler: pipelines[0].sampler.className, parts: () => drawParts(pipelines, options), dispose };
}

async function* drawParts(pipelines: readonly DiffusionPipeline[], options: DrawOptions): AsyncGenerator<Tensor[]> {
  const { count, seed, signal, onProgress } = options;
  const generators = pipelines.map(() => torchGenerator(seed));
  let finished = 0;
  for (let from = 0; from < count; from += PART) {
    const part = Math.min(PART, count - from);
    const drawn: Tensor[] = [];
    for (const [i, pipeline] of pipelines.entries()) {
      throwIfAborted(signal);
      const pictures = await drawPart(pipeline, generators[i], from, part, options, (done, total) => {
        const all = count * pipelines.length * total;
        onProgress?.({ phase: 'sampling', done: finished * total + done * part, total: all, unit: 'picture steps' });
      });
      finished += part;
      drawn.push(pictures);
    }
    checkAlike(drawn, pipelines);
    yield drawn;
  }
}

async function drawPart(
  pipeline: DiffusionPipeline,
  generator: TorchGenerator,
  first: number,
  count: number,
  { steps, eta, batchSize = 32, classes, signal }: DrawOptions,
  onStep: (done: number, total: number) => void,
): Promise<Tensor> {
  const { raw } = await pipeline({
    count,
    steps,
    seed: generator,
    eta,
    batchSize,
    ...(classes !== undefined && { classLabels: Array.from({ length: count }, (_, i) => (first + i) % classes) }),
    signal,
    onStep: ({ done, total }) => onStep(done, total),
  });
  if (raw.shape.length !== 4 || raw.shape[1] > 4) {
    throw new SecateurError(
      'BAD_OPTION',
      `${pipeline.model.name} makes [${raw.shape.slice(1)}], which is no picture.`,
      {
        field: 'model',
        hint: 'Latents must be decoded first: measure the pictures with metric.compare().',
      },
    );
  }
  return tensorFromBitmaps(bitmapsFrom(raw));
}

function checkAlike(drawn: readonly Tensor[], pipelines: readonly DiffusionPipeline[]): void {
  const [first, second] = drawn.map(({ shape }) => String(shape.slice(1)));
  if (second === undefined || second === first) return;
  const [a, b] = pipelines.map(({ model }) => model.name);
  throw new SecateurError('SHAPE_MISMATCH', `${a} draws [${first}], ${b} [${second}]: they cannot be compared.`, {
    field: 'reference',
  });
}
