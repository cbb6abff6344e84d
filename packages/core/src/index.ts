export type { ByteSink, ByteSource, OutputFolder, SourceFolder } from './files.js';
export type { CompileOptions, Engine, Executable, RunOptions } from './engine.js';
export { parametersOf } from './model.js';
export type { Format, FormatSource, Model, Prediction, SaveOptions } from './model.js';
