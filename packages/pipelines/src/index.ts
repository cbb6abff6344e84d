export { type Bitmap, bitmapsFrom, tensorFromBitmaps } from './bitmap.js';
export { type GridOptions, gridOf } from './grid.js';
export {
  createPipeline,
  type DiffusionPipeline,
  type Generated,
  type GenerateOptions,
  type PipelineOptions,
  type SamplerChoice,
  type StepEvent,
} from './pipeline.js';
export { decodePng, encodePng } from './png.js';
