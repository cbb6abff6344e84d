export { type Bitmap, bitmapsFrom, tensorFromBitmaps } from './bitmap.js';
export { type EncodedSamples, type EncodeSamplesRequest, encodeSamples } from './encode-samples.js';
export { DiffusionPipeline, type FromPretrainedOptions, fromPretrained } from './from-pretrained.js';
export type { Generated, GenerateOptions, SamplerChoice, StepEvent } from './generate-options.js';
export { type GridOptions, gridOf } from './grid.js';
export { createPipeline, type PipelineOptions } from './pipeline.js';
export { decodePng, encodePng } from './png.js';
