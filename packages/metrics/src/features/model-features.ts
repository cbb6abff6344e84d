import { type Engine, type FeatureExtractor, type Model, sampleFeeds } from '@secateur/core';
import {
  castTensor,
  dimText,
  evaluateDim,
  float32,
  SecateurError,
  type Tensor,
  throwIfAborted,
  toFloat32,
  type ValueInfo,
} from '@secateur/graph';
import { type PictureShape, type Preprocess, plainPreprocess, preprocess } from './preprocess.js';

export interface ModelFeaturesOptions {
  readonly engine: Engine;
  readonly threads?: number;
  /** Name that numbers will carry. Default: the model's. */
  readonly name?: string;
  /** Which output holds the features. Default: the only one, or the one called `features`. */
  readonly output?: string;
  /** How pictures are made ready. Default: as they are, in [-1, 1], at the model's own size. */
  readonly preprocess?: Preprocess;
  /** Pictures in a run; a model of fixed batch has its own. Default 32. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * Any model as a feature extractor: one input of pictures, `[batch, channels, height, width]`, and an output with one vector
 * a picture, `[batch, dims]` or `[batch, dims, 1, 1]`.
 *
 * @throws {SecateurError} BAD_OPTION when the model has other inputs or no such output; BAD_CONFIG when the preparation's
 *   channels are not the model's; and what the engine throws
 */
export async function modelFeatures(model: Model, options: ModelFeaturesOptions): Promise<FeatureExtractor> {
  const { engine, threads, name = model.name, preprocess: how = plainPreprocess, signal } = options;
  const { input, fixedBatch, shape } = pictureInput(model);
  for (const field of ['mean', 'std'] as const) {
    if (how[field].length === 1 || how[field].length === shape.channels) continue;
    const message = `${name} takes ${shape.channels} channels; image_${field} has ${how[field].length} values.`;
    throw new SecateurError('BAD_CONFIG', message, { field: `image_${field}` });
  }
  const output = featureOutput(model, options.output);
  const executable = await engine.compile(model.graph, { threads, signal });
  const run = async (rows: Tensor): Promise<Float32Array> => {
    const results = await executable.run(
      { [input.name]: castTensor(rows, input.dtype) },
      { outputs: [output.name], signal },
    );
    return toFloat32(results[output.name]);
  };
  const dims = await dimsOf(model, output, run, input.name);
  const batchSize = fixedBatch ?? options.batchSize ?? 32;
  return {
    name,
    dims,
    async extract(images, { signal: own } = {}) {
      const [count, ...rest] = images.shape;
      const data = toFloat32(images);
      const size = data.length / count;
      const features = new Float32Array(count * dims);
      for (let from = 0; from < count; from += batchSize) {
        throwIfAborted(own ?? signal);
        const to = Math.min(count, from + batchSize);
        // A fixed batch is filled up with grey pictures.
        const rows = new Float32Array((fixedBatch ?? to - from) * size);
        rows.set(data.subarray(from * size, to * size));
        const ready = preprocess(float32([rows.length / size, ...rest], rows), shape, how);
        features.set((await run(ready)).subarray(0, (to - from) * dims), from * dims);
      }
      return float32([count, dims], features);
    },
    dispose: () => executable.dispose(),
  };
}

interface PictureInput {
  readonly input: ValueInfo;
  readonly fixedBatch?: number;
  readonly shape: PictureShape;
}

function pictureInput({ name, graph, sizes }: Model): PictureInput {
  const [input, ...others] = graph.inputs;
  if (!input || others.length > 0 || input.shape.length !== 4) {
    const listed = graph.inputs.map((value) => `${value.name} [${value.shape.map(dimText)}]`).join(', ');
    throw new SecateurError('BAD_OPTION', `${name} takes ${listed}; a feature extractor takes pictures alone.`, {
      field: 'features',
      hint: 'Its one input must be [batch, channels, height, width].',
    });
  }
  const [batch, ...rest] = input.shape;
  const [channels, height, width] = rest.map((dim) => {
    try {
      return evaluateDim(dim, sizes);
    } catch (cause) {
      throw new SecateurError('BAD_OPTION', `${name}: ${dimText(dim)} of ${input.name} has no fixed size.`, {
        field: 'features',
        hint: 'Export the model with a fixed picture size.',
        cause,
      });
    }
  });
  return { input, ...(typeof batch === 'number' && { fixedBatch: batch }), shape: { channels, height, width } };
}

function featureOutput({ name, graph: { outputs } }: Model, wanted: string | undefined): ValueInfo {
  const found =
    wanted === undefined
      ? outputs.length === 1
        ? outputs[0]
        : outputs.find((output) => output.name === 'features')
      : outputs.find((output) => output.name === wanted);
  if (found) return found;
  const listed = outputs.map((output) => `${output.name} [${output.shape.map(dimText)}]`).join(', ');
  const message = wanted === undefined ? `${name} has several outputs.` : `${name} has no output "${wanted}".`;
  throw new SecateurError('BAD_OPTION', message, {
    field: 'features',
    hint: `Choose the one that holds the features: ${listed}.`,
  });
}

/** Values a picture: from the shape, or where that leaves it open from a run on a blank picture. */
async function dimsOf(
  model: Model,
  output: ValueInfo,
  run: (rows: Tensor) => Promise<Float32Array>,
  input: string,
): Promise<number> {
  const [, dims, ...rest] = output.shape;
  const isVector = typeof dims === 'number' && rest.every((dim) => dim === 1);
  if (isVector) return dims;
  if (output.shape.length > 2 && rest.some((dim) => typeof dim === 'number' && dim !== 1)) {
    const shape = output.shape.map(dimText).join(', ');
    throw new SecateurError(
      'BAD_OPTION',
      `Output ${output.name} of ${model.name} is [${shape}], not one vector a picture.`,
      {
        field: 'features',
      },
    );
  }
  const blank = sampleFeeds(model, 1)[input];
  return (await run(blank)).length / blank.shape[0];
}
