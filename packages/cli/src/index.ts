/**
 * Secateur for Node: everything needed to load, prune, measure and save a model, from one import. Browsers and smaller
 * programs import the packages below it instead.
 */

export {
  fpgm,
  lamp,
  type MagnitudeOptions,
  magnitude,
  normScale,
  obd,
  random,
  type TaylorOptions,
  taylor,
  wanda,
} from '@secateur/baselines';
export {
  activations,
  type Budget,
  branches,
  type Calibration,
  type Cost,
  type Criterion,
  channels,
  costOf,
  defineCriterion,
  defineMethod,
  defineMetric,
  defineSelector,
  type Engine,
  elements,
  exhaustive,
  type FeatureExtractor,
  globalRanking,
  gradients,
  greedy,
  heads,
  isomorphicRanking,
  knapsack,
  localRanking,
  type Manifest,
  type Method,
  type Metric,
  type Model,
  measureLatency,
  nOfM,
  type PruneOptions,
  type PruneReport,
  type PruneResult,
  parseBudget,
  prune,
  type Selector,
  structured,
  weights,
} from '@secateur/core';
export { type DiffPruningOptions, diffPruning } from '@secateur/diff-pruning';
export { couple, SecateurError } from '@secateur/graph';
export {
  additivityOf,
  type LaptopDiffOptions,
  laptopDiff,
  outputLoss,
  taskLoss,
} from '@secateur/laptop-diff';
export {
  clipScore,
  type EvaluatedMetric,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  fd,
  fdInfinity,
  kid,
  metricLabel,
  mmd,
  type OutputError,
  outputErrors,
  precision,
  psnr,
  recall,
  ssim,
} from '@secateur/metrics';
export { createPipeline, decodePng, encodePng, type GenerateOptions } from '@secateur/pipelines';
export { DiffusionPipeline, type NodeFromPretrainedOptions } from '@secateur/pipelines/node';
export { modelCard, renderCompare, renderReport, reportJson } from '@secateur/report';
export { benchExecutables } from '@secateur/runtime';
export { nodeEngine, webEngineInNode } from '@secateur/runtime/node';
export { calibration, createSampler, samplerNamed } from '@secateur/samplers';
export { type SparseDMOptions, sparsedm } from '@secateur/sparsedm';
export {
  adamw,
  denoising,
  distill,
  ema,
  featureDistillation,
  finetune,
  fixedMask,
  guidedDistillation,
  nOfMMask,
  outputDistillation,
  sampleSet,
  sgd,
  type TrainOptions,
  type TrainReport,
  type TrainResult,
  train,
} from '@secateur/train';
export { folderCheckpoints } from '@secateur/train/node';
export { type BenchModelOptions, benchModel, type ModelBench } from './bench/bench-model.js';
export { type CheckedTensor, type CheckOptions, checkModel } from './check/check-model.js';
export { type Golden, readGolden } from './check/read-golden.js';
export { type LoadFeaturesOptions, loadFeatures } from './eval/load-features.js';
export { type LoadPicturesOptions, loadPictures } from './eval/load-pictures.js';
export { type Inspection, inspectModel } from './inspect/inspect-model.js';
export type { Io } from './io.js';
export { type LoadImagesOptions, loadCalibration, loadImages } from './model/load-images.js';
export { type LoadModelOptions, loadModel } from './model/load-model.js';
export { loadSamples } from './model/load-samples.js';
export { type SaveModelOptions, saveModel } from './model/save-model.js';
export type { Emit, WriteModelOptions } from './model/write-model.js';
export { defineConfig, type PluginEntry, type SecateurConfig } from './plugins/config-file.js';
export { run } from './run.js';
export {
  type LoadedTrainingData,
  type LoadTrainingDataOptions,
  loadTrainingData,
} from './train/load-training-data.js';
