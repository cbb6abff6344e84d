export { type CalibrationOptions, calibration } from './calibration.js';
export { createSampler, samplerNamed, samplerNames } from './create-sampler.js';
export type { NoiseProcess, PredictionType, Timesteps } from './noise-process.js';
export { type Conditions, type InputNames, noisedBatch, timestepTensor } from './noised-batch.js';
export { type NoisedBatchesOptions, noisedBatches } from './noised-batches.js';
export type {
  PlanOptions,
  Sampler,
  SamplerState,
  SamplingPlan,
  SchedulerConfig,
  StepInput,
  StepResult,
} from './sampler.js';
export { roundHalfEven } from './timestep-spacing.js';
export { type TorchGenerator, type TorchGeneratorState, torchGenerator } from './torch-generator.js';
