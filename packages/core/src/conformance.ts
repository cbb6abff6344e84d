export { type EngineSuiteOptions, type SuiteSkip, testEngine } from './conformance/engine.js';
export { type CriterionSuiteOptions, testCriterion } from './conformance/criterion.js';
export { type MethodSuiteOptions, testMethod } from './conformance/method.js';
export { referenceEngine } from './conformance/reference-engine.js';
export { seededValues, tinyCalibration, tinyModel } from './conformance/tiny-model.js';
