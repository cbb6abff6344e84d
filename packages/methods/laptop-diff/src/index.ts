export { type AdditivityRequest, additivityOf, type Measured } from './additivity.js';
export { pearson, spearman } from './correlation.js';
export { outputLoss, taskLoss, type WithoutOptions } from './criteria.js';
export { type LaptopDiffOptions, laptopDiff } from './laptop-diff.js';
