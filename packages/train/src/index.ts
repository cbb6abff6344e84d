export { type CheckpointFile, type CheckpointStore, memoryCheckpoints } from './checkpoint-store.js';
export {
  type DistillOptions,
  type DistillPreset,
  type DistillWeights,
  distill,
  distillPresets,
  distillTerms,
} from './distill.js';
export { type Ema, type EmaOptions, ema } from './ema.js';
export { type FinetuneOptions, finetune } from './finetune.js';
export { type LearningRateOptions, learningRateAt, type ScheduleName, scheduleNames } from './learning-rate.js';
export { type LoraGraph, type LoraOptions, withLora } from './lora.js';
export { type FeatureTap, featureTaps } from './losses/feature-taps.js';
export {
  type DenoisingLoss,
  denoising,
  type FeatureLoss,
  featureDistillation,
  type GuidedLoss,
  guidedDistillation,
  type LossTerm,
  type OutputLoss,
  outputDistillation,
} from './losses/loss-terms.js';
export { fixedMask } from './masks/fixed-mask.js';
export { writeNOfM } from './masks/n-of-m.js';
export { type NOfMMaskOptions, nOfMMask } from './masks/n-of-m-mask.js';
export { type MaskStructure, writeStructuredNOfM } from './masks/structured-n-of-m.js';
export type { WeightMask } from './masks/weight-mask.js';
export { type AdamWOptions, adamw } from './optimizers/adamw.js';
export type { Optimizer, OptimizerState } from './optimizers/optimizer.js';
export { type SgdOptions, sgd } from './optimizers/sgd.js';
export type { Parameter, Values } from './parameters.js';
export {
  correctBias,
  type PrunedModel,
  type RefitOptions,
  type RefitResult,
  type RefittedLayer,
  refit,
} from './recovery/refit.js';
export type { LossWeighting, TimestepSampling } from './timesteps.js';
export { type TrainResult, train } from './train.js';
export type { TrainOptions, TrainProgress } from './train-options.js';
export type { MasksReport, TrainReport } from './train-report.js';
export {
  type CleanBatch,
  type SampleSet,
  type SampleSetOptions,
  type SampleStream,
  sampleSet,
  type TrainingData,
} from './training-data.js';
export {
  defineTrainingMethod,
  isTrainingMethod,
  type TrainingMethod,
  type TrainingMethodDefinition,
  type TrainingPlan,
} from './training-method.js';
