/** The vitest suites that every plugin runs, ours first, and what is needed to run them: a tiny model and an engine. */

export { type CriterionSuiteOptions, testCriterion } from './conformance/criterion.js';
export { type EngineSuiteOptions, testEngine } from './conformance/engine.js';
export { type FormatSample, type FormatSuiteOptions, testFormat } from './conformance/format.js';
export { type MaskRequest, type MaskSuiteOptions, testMask } from './conformance/mask.js';
export { type MethodSuiteOptions, testMethod } from './conformance/method.js';
export { type MetricSuiteOptions, testMetric } from './conformance/metric.js';
export { referenceEngine } from './conformance/reference-engine.js';
export type { SuiteSkip } from './conformance/suite.js';
export { seededValues, tinyCalibration, tinyModel } from './conformance/tiny-model.js';
