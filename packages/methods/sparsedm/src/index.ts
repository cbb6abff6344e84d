export { alwaysDense, isLeftDense } from './left-dense.js';
export { type PatternOptions, patternMask, patterns } from './pattern-mask.js';
export { type SparseDMOptions, sparsedm } from './sparsedm.js';
