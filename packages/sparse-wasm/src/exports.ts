/** All names of the package but the default export, which differs between Node and elsewhere. */
export { analyse, type GroupRows, type Structure } from './analyse.js';
export { type Arena, createArena } from './arena.js';
export { type AttentionOptions, attention } from './attention.js';
export { type ConvolutionOptions, createConvolution } from './convolution.js';
export { type ErrorCode, type ErrorDetails, SparseWasmError } from './errors.js';
export { hasRelaxedSimd, hasSimd } from './features.js';
export { type GroupNormOptions, groupNormAffine } from './group-norm.js';
export { type InitInput, type InitOptions, type InitOutput, initSync, type SyncInitInput } from './init.js';
export { type Isa, type KernelFamily, type KernelInfo, kernels, kernelsOf } from './kernels.list.js';
export type { Layer, RunOptions, Source } from './layer.js';
export { createLinear, type LinearOptions } from './linear.js';
export { type PackOptions, packWeights } from './pack-weights.js';
export { type Algorithm, type PackedType, type PackedWeights, positionsOf, type Segment } from './packed-weights.js';
export { createRuntime, type Runtime, type RuntimeOptions } from './runtime.js';
export { parsePacked, serialisePacked } from './serialise.js';
export { type Choice, type Tuned, type TuneOptions, tuneConvolution, tuneLinear } from './tune.js';
export type { WeightShape } from './weight-shape.js';
