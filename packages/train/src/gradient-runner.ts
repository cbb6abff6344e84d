import type { Executable, Model } from '@secateur/core';
import { castTensor, float32, type Graph, SecateurError, type Tensor, toFloat32, zeros } from '@secateur/graph';
import { noisedBatch, type TorchGenerator } from '@secateur/samplers';
import { type FeatureTap, featureTaps } from './losses/feature-taps.js';
import { bindInputs, inputNames, isDoubled, termOutput, trainingGraph } from './losses/training-graph.js';
import type { Parameter, Values } from './parameters.js';
import { compileTeacher, type Teacher } from './teacher.js';
import { drawTimesteps, lossWeight } from './timesteps.js';
import type { TrainOptions, TrainSettings } from './train-options.js';
import type { CleanBatch } from './training-data.js';
import { doubled, withoutSomeConditions } from './unconditional.js';

/** Losses of one run, by term, means over the batch. */
export type TermLosses = readonly number[];

/** Runs the gradient graph, compiled when the first batch shows the shapes. */
export interface GradientRunner {
  /** Overwritten by every run. */
  readonly gradients: Values;
  /** Draws noise, timesteps and guidance or dropped conditions, in this order, and measures losses and gradients. */
  run(batch: CleanBatch, weights: Values, generator: TorchGenerator): Promise<TermLosses>;
  dispose(): Promise<void>;
}

export interface RunnerRequest {
  readonly model: Model;
  /** The model's graph, maybe with low-rank updates. */
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly options: TrainOptions;
  readonly settings: TrainSettings;
}

interface Compiled {
  readonly executable: Executable;
  readonly teacher?: Teacher;
}

export function gradientRunner(request: RunnerRequest): GradientRunner {
  const { parameters, options, settings } = request;
  const { sampler, signal, names = {} } = options;
  const { batchSize, terms, accumulate, weighting, dropConditions } = settings;
  const timestepInput = request.graph.inputs.find(({ name }) => name === (names.timestep ?? 'timestep'));
  const gradients = new Map(
    parameters.map(({ value, shape }) => [value, new Float32Array(shape.reduce((a, b) => a * b, 1))]),
  );
  const into: Record<string, Tensor> = {};
  for (const { value, shape } of parameters) into[`grad.${value}`] = float32(shape, gradients.get(value)!);
  for (const i of terms.keys()) into[termOutput(i)] = zeros('float32', [batchSize]);
  const share = float32([batchSize], new Float32Array(batchSize).fill(1 / (batchSize * accumulate)));
  const tensors = new Map<Float32Array, Tensor>();
  const asTensor = (values: Float32Array, shape: readonly number[]): Tensor => {
    let tensor = tensors.get(values);
    if (!tensor) tensors.set(values, (tensor = float32(shape, values)));
    return tensor;
  };
  let compiled: Promise<Compiled> | undefined;

  return {
    gradients,
    async run({ samples, conditions, mask }, weights, generator) {
      const noise = generator.randn(samples.shape);
      const timesteps = drawTimesteps(settings.timesteps, sampler, batchSize, generator);
      const noised = noisedBatch(
        sampler,
        { x0: samples, noise, timesteps },
        { names, timestepDType: timestepInput?.dtype, timestepScale: options.timestepScale, conditions },
      );
      const modelFeeds = isDoubled(terms)
        ? doubled(noised.feeds, batchSize, options.unconditional!)
        : dropConditions > 0
          ? withoutSomeConditions(noised.feeds, batchSize, options.unconditional!, dropConditions, generator)
          : noised.feeds;
      const { executable, teacher } = await (compiled ??= compile(request, modelFeeds, samples.shape, mask?.shape));
      const feeds: Record<string, Tensor> = { ...modelFeeds, ...(await teacher?.run(modelFeeds, signal)) };
      for (const { value, shape } of parameters) feeds[value] = asTensor(weights.get(value)!, shape);
      feeds[inputNames.share] = share;
      feeds[inputNames.target] = castTensor(noised.target, 'float32');
      feeds[inputNames.weighting] = float32(
        [batchSize],
        timesteps.map((t) => lossWeight(weighting, sampler.process, sampler.prediction, t)),
      );
      if (mask) feeds[inputNames.mask] = mask;
      const guided = terms.find((term) => term.kind === 'guided');
      if (guided) feeds[inputNames.guidance] = guidanceScales(guided.scale, batchSize, generator);
      const results = await executable.run(pick(feeds, executable.inputs), { into, signal });
      // Engines that cannot write into a tensor hand out one of their own.
      for (const [name, buffer] of gradients) {
        const { data } = results[`grad.${name}`];
        if (data !== buffer) buffer.set(data as Float32Array);
      }
      return terms.map((_, i) => mean(toFloat32(results[termOutput(i)])));
    },
    async dispose() {
      const parts = await compiled?.catch(() => undefined);
      await parts?.executable.dispose();
      await parts?.teacher?.dispose();
    },
  };
}

async function compile(
  { model, graph, parameters, options, settings }: RunnerRequest,
  feeds: Readonly<Record<string, Tensor>>,
  samples: readonly number[],
  maskShape: readonly number[] | undefined,
): Promise<Compiled> {
  const { engine, threads, signal, teacher } = options;
  const { terms, batchSize: batch } = settings;
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
  const bound = bindInputs(graph, shapes);
  const taps: FeatureTap[][] = [];
  for (const term of terms) {
    if (term.kind === 'features') taps.push(featureTaps(bound, bindInputs(teacher!.graph, shapes), term.at));
  }
  const wrt = parameters.map(({ value }) => value);
  const training = trainingGraph({ graph: bound, batch, targetChannels: samples[1], terms, taps, maskShape, wrt });
  const unread = Object.keys(feeds).find((name) => !model.graph.inputs.some((input) => input.name === name));
  if (unread !== undefined) {
    throw new SecateurError('BAD_DATA', `The data has "${unread}", which ${model.name} does not take.`, {
      field: unread,
      hint: `Its inputs are ${model.graph.inputs.map(({ name }) => name).join(', ')}.`,
    });
  }
  const wantsOutput = terms.some(({ kind }) => kind === 'output' || kind === 'guided');
  const executable = await engine.compile(training, { variable: wrt, threads, signal });
  if (!wantsOutput && taps.length === 0) return { executable };
  const request = { model: teacher!, engine, threads, shapes, targetChannels: samples[1], wantsOutput, signal };
  return { executable, teacher: await compileTeacher({ ...request, taps: taps.flat() }) };
}

function guidanceScales([least, most]: readonly [number, number], batch: number, generator: TorchGenerator): Tensor {
  const drawn = toFloat32(generator.rand([batch]));
  return float32(
    [batch],
    drawn.map((share) => least + (most - least) * share),
  );
}

/** Only what the graph reads: a term left out leaves its inputs out too. */
function pick(feeds: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> {
  return Object.fromEntries(names.map((name) => [name, feeds[name]]));
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
