export { type BenchOptions, type BenchResult, benchExecutables } from './bench.js';
export { describeEngine, type EngineParts } from './describe-engine.js';
export { type OrtEngineOptions, ortEngine } from './ort-engine.js';
export type { OrtModule, OrtProvider, OrtSession, OrtSessionOptions, OrtTensor, OrtTensorType } from './ort-module.js';
export type { ResolveFile } from './session-model.js';
export { createTensorStore, type TensorHandle, type TensorStore, type TensorStoreOptions } from './tensor-store.js';
export type { StepTime } from './wasm/plan.js';
export { type WasmEngine, type WasmEngineOptions, type WasmOptions, wasmEngine } from './wasm/wasm-engine.js';
export type { WasmExecutable } from './wasm/wasm-executable.js';
