import { type Engine, type Json, type Logger, type Model, type Progress, parametersOf, Sha256 } from '@secateur/core';
import { bytesOf, SecateurError, type Tensor } from '@secateur/graph';
import type { InputNames, Sampler } from '@secateur/samplers';
import { checkRange, checkWhole } from './check-range.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { type Ema, type EmaOptions, ema } from './ema.js';
import { checkLearningRate, type LearningRateOptions } from './learning-rate.js';
import type { LoraOptions } from './lora.js';
import { checkTerms, denoising, type LossTerm, needsTeacher } from './losses/loss-terms.js';
import { isDoubled } from './losses/training-graph.js';
import type { WeightMask } from './masks/weight-mask.js';
import { adamw } from './optimizers/adamw.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { checkLossWeighting, checkTimestepSampling, type LossWeighting, type TimestepSampling } from './timesteps.js';
import type { TrainingData } from './training-data.js';

/** How far a training is. */
export interface TrainProgress extends Progress {
  /** Of the step just made: the weighted sum of the terms. */
  readonly loss: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Under masks that follow the weights: share of mask bits that changed before the step. */
  readonly maskFlips?: number;
  /** Time left at the pace so far. */
  readonly remainingMs: number;
}

export interface TrainOptions {
  readonly engine: Engine;
  readonly data: TrainingData;
  /** How noise is added and what the model predicts: epsilon, v, the clean sample, or flow matching's velocity. */
  readonly sampler: Sampler;
  /** Updates to make, >= 1. */
  readonly steps: number;
  /** Samples of one run of the gradient graph. Default 32. */
  readonly batchSize?: number;
  /** Runs whose gradients are averaged into one update. Default 1. */
  readonly accumulate?: number;
  /** Default: denoising alone. */
  readonly losses?: readonly LossTerm[];
  /** What distillation compares with; frozen. */
  readonly teacher?: Model;
  /** Default `adamw()`. */
  readonly optimizer?: Optimizer;
  /** A number is a constant one. Default 1e-4. */
  readonly learningRate?: number | LearningRateOptions;
  /** Largest global norm of the gradients; larger ones are scaled down. Default 1; Infinity does nothing. */
  readonly clip?: number;
  /** Moving average of the weights, which is then the result. Default: none. */
  readonly ema?: EmaOptions;
  /** Default `uniform`. */
  readonly timesteps?: TimestepSampling;
  /** Of the denoising term by timestep. Default `none`. */
  readonly weighting?: LossWeighting;
  readonly mask?: WeightMask;
  /** Train low-rank updates alone; merged into the result. Not with `mask` or `parameters`. */
  readonly lora?: LoraOptions;
  /** Which weights are trained, by checkpoint name, `*` for any characters. Default: all. */
  readonly parameters?: readonly string[];
  /**
   * Share of samples trained without their conditions, in [0, 1), as classifier-free guidance needs: those that `unconditional`
   * names are replaced by what it says. Default 0. Not with the guided term, which sees every sample both ways.
   */
  readonly dropConditions?: number;
  /** Conditions that mean "none", one row each: the empty prompt's embedding, the extra class. */
  readonly unconditional?: Readonly<Record<string, Tensor>>;
  /** Of everything drawn: order of samples, noise, timesteps, guidance. Default 0. */
  readonly seed?: number;
  /** How the model's inputs are called. Default `sample` and `timestep`. */
  readonly names?: InputNames;
  /** The model is given timestep times this (FLUX: 1 / 1000). Default 1. */
  readonly timestepScale?: number;
  /** Where checkpoints go; a run found there goes on. */
  readonly checkpoints?: CheckpointStore;
  /** Updates between checkpoints. Default 100. */
  readonly checkpointEvery?: number;
  /** Threads of the engine. Bytes repeat on one and the same number of threads. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  readonly onProgress?: (progress: TrainProgress) => void;
}

/** Options with their defaults, checked. */
export interface TrainSettings {
  readonly steps: number;
  readonly batchSize: number;
  readonly accumulate: number;
  readonly terms: readonly LossTerm[];
  readonly optimizer: Optimizer;
  readonly learningRate: Required<LearningRateOptions>;
  readonly clip: number;
  readonly ema?: Ema;
  readonly timesteps: TimestepSampling;
  readonly weighting: LossWeighting;
  readonly seed: number;
  readonly dropConditions: number;
  readonly checkpointEvery: number;
}

/** @throws {SecateurError} BAD_OPTION, MISSING_NEED */
export function trainSettings(options: TrainOptions): TrainSettings {
  const { steps, batchSize = 32, accumulate = 1, clip = 1, seed = 0, checkpointEvery = 100 } = options;
  const { timesteps = 'uniform', weighting = 'none', learningRate = 1e-4, dropConditions = 0 } = options;
  const terms = options.losses ?? [denoising()];
  checkWhole('steps', steps, 1);
  checkWhole('batchSize', batchSize, 1);
  checkWhole('accumulate', accumulate, 1);
  checkWhole('checkpointEvery', checkpointEvery, 1);
  checkWhole('seed', seed, 0);
  if (clip !== Infinity) checkRange('clip', clip, Number.MIN_VALUE);
  checkRange('dropConditions', dropConditions, 0, 1);
  checkTerms(terms);
  checkTimestepSampling(timesteps, options.sampler);
  checkLossWeighting(weighting);
  if (needsTeacher(terms) && !options.teacher) {
    throw new SecateurError('MISSING_NEED', 'Distillation needs a teacher.', { field: 'teacher' });
  }
  if (isDoubled(terms) && dropConditions > 0) {
    throw new SecateurError('BAD_OPTION', 'The guided loss sees every sample with and without its conditions.', {
      field: 'dropConditions',
      hint: 'Leave it out.',
    });
  }
  if ((isDoubled(terms) || dropConditions > 0) && Object.keys(options.unconditional ?? {}).length === 0) {
    const what = isDoubled(terms) ? 'The guided loss' : 'Leaving out conditions';
    throw new SecateurError('MISSING_NEED', `${what} needs to know what no condition looks like.`, {
      field: 'unconditional',
      hint: 'Give the empty prompt’s embedding, or the class that stands for none, as one row.',
    });
  }
  if (options.lora && (options.mask || options.parameters)) {
    throw new SecateurError(
      'BAD_OPTION',
      'LoRA trains its own weights: it goes with neither masks nor a choice of parameters.',
      {
        field: 'lora',
        hint: 'A low-rank update fills masked weights again. Fine-tune masked models without it.',
      },
    );
  }
  return {
    steps,
    batchSize,
    accumulate,
    terms,
    optimizer: options.optimizer ?? adamw(),
    learningRate: checkLearningRate(typeof learningRate === 'number' ? { peak: learningRate } : learningRate),
    clip,
    ema: options.ema && ema(options.ema),
    timesteps,
    weighting,
    seed,
    dropConditions,
    checkpointEvery,
  };
}

/** Everything that decides a run's numbers, as plain JSON: whether a checkpoint is this run's, and what reports show. */
export async function describeRun(model: Model, options: TrainOptions, settings: TrainSettings): Promise<Json> {
  const { optimizer, ema: average, terms, ...plain } = settings;
  const { mask, lora, parameters, teacher, sampler, timestepScale = 1 } = options;
  return jsonOf({
    model: await describeModel(model),
    data: await options.data.describe(),
    ...plain,
    // JSON has no infinity.
    clip: settings.clip === Infinity ? null : settings.clip,
    losses: terms,
    optimizer: { name: optimizer.name, options: optimizer.options },
    ema: average?.options ?? null,
    mask: mask ? { name: mask.name, options: mask.options } : null,
    lora: lora ?? null,
    parameters: parameters ?? null,
    teacher: teacher ? await describeModel(teacher) : null,
    unconditional: options.unconditional ? hashOf(Object.values(options.unconditional)) : null,
    scheduler: { class: sampler.className, prediction: sampler.prediction, timesteps: sampler.process.trainTimesteps },
    timestepScale,
  });
}

async function describeModel(model: Model): Promise<Json> {
  const files = await model.files();
  if (files.length > 0) return { name: model.name, files: files.map(({ name, sha256 }) => ({ name, sha256 })) };
  // Made in memory: its weights are all there is to know it by.
  const weights = [...parametersOf(model.graph).values()].map(({ constant }) => constant.read());
  return { name: model.name, weights: hashOf(await Promise.all(weights)) };
}

function hashOf(tensors: readonly Tensor[]): string {
  const hash = new Sha256();
  for (const tensor of tensors) hash.update(bytesOf(tensor));
  return hash.hex();
}

/** As JSON will give it back: without fields left out. */
function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
