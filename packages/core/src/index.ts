export {
  aggregate,
  combine,
  lamp,
  type Normalization,
  normalizations,
  normalizeScores,
  type Reduction,
  reductions,
  slicesOf,
  type Terms,
} from './aggregate.js';
export { applyMasks } from './apply-masks.js';
export { type Budget, type Cost, parseBudget, ratioBudget } from './budget.js';
export { checkByteRange } from './byte-range.js';
export type { Calibration, CalibrationBatch } from './calibration.js';
export { costOf } from './cost.js';
export {
  type Criterion,
  type CriterionDefinition,
  defineCriterion,
  type ElementContext,
  forEachOfUnit,
  type GroupView,
  type InputNorms,
  type ScoreContext,
  type SliceView,
  sumPerUnit,
  type TensorView,
  type UnitView,
  valuesOfUnit,
} from './criterion.js';
export { depthCosts } from './depth-costs.js';
export {
  type CompileOptions,
  defineEngine,
  type Engine,
  type EngineDefinition,
  type EnginePlugin,
  type Executable,
  type RunOptions,
} from './engine.js';
export type { FeatureExtractor, TextImageEncoder } from './feature-extractor.js';
export type { ByteSink, ByteSource, OutputFolder, SourceFolder } from './files.js';
export { type ParseJsonOptions, parseJson } from './json.js';
export { type Latency, type LatencyOptions, measureLatency, sampleFeeds } from './latency.js';
export { isInside, type TreatmentChoice, treatmentChoices, unitsOfSpace } from './layer-units.js';
export {
  fromRanges,
  type GroupReport,
  hashScores,
  type Manifest,
  type Ranges,
  removalOfManifest,
  toRanges,
} from './manifest.js';
export { applyMask, countKept, isKept, type Mask, maskFrom, sparsityOf } from './masks/mask.js';
export { keepLargest, keepLargestOfAll, keepNofM, type Pattern, parsePattern } from './masks/select-elements.js';
export { blobSource, bytesSource, memoryFolder, memoryOutput } from './memory-files.js';
export { memoryInTurns } from './memory-in-turns.js';
export {
  type Additivity,
  defineMethod,
  type Method,
  type MethodContext,
  type MethodDefinition,
  type Outcome,
  type PruneSettings,
  type Step,
} from './method.js';
export {
  defineMetric,
  type Measurement,
  type Metric,
  type MetricBatch,
  type MetricContext,
  type MetricDefinition,
  type MetricOutcome,
  type MetricResult,
  type MetricRun,
  type MetricState,
  type MetricSubject,
} from './metric.js';
export {
  defineFormat,
  type Format,
  type FormatDefinition,
  type FormatPlugin,
  type FormatSource,
  type Model,
  type ModelPart,
  type Prediction,
  parametersOf,
  type SaveOptions,
} from './model.js';
export { matches } from './name-pattern.js';
export { activations, gradients, type Need, outputsWithout, type StopRule, weights } from './need.js';
export {
  type CellPlan,
  type Cells,
  keptInCell,
  leastCommonMultiple,
  type NormGroupRule,
  normGroupRules,
  parseNormGroupRule,
  planCells,
} from './norm-rules.js';
export { type PipelineParts, pipelineSteps, structured } from './pipeline.js';
export {
  fillOptions,
  type JsonSchema,
  type OptionSchema,
  type Plugin,
  type PluginDefinition,
  type PluginFactory,
  type PluginKind,
} from './plugin.js';
export { type Logger, type Progress, type ProgressListener, silentLogger } from './progress.js';
export { type PruneOptions, type PruneResult, prune } from './prune.js';
export type { Measured, NotPrunedReport, PruneReport } from './prune-report.js';
export { hashNumbers, hashText, uniform } from './random.js';
export { readAhead } from './read-ahead.js';
export { type AnyFactory, Registry } from './registry.js';
export { type RemovingOptions, removing } from './removing.js';
export { type Json, memoryRunStore, RunJournal, type RunState, type RunStore } from './run-store.js';
export { safePath } from './safe-path.js';
export { chooseElements, type ElementRequest, listWeightTensors, type WeightTensor } from './score-elements.js';
export { loadWeights, scoreUnits, viewOfGroup } from './score-units.js';
export {
  defineSelector,
  type Masks,
  type SelectContext,
  type Selector,
  type SelectorDefinition,
  type UnitScores,
} from './selector.js';
export { exhaustive } from './selectors/exhaustive.js';
export { type GlobalOptions, globalRanking, isomorphicRanking } from './selectors/global.js';
export { type GreedyOptions, greedy } from './selectors/greedy.js';
export { knapsack } from './selectors/knapsack.js';
export { localRanking } from './selectors/local.js';
export { Sha256, sha256, sha256Source } from './sha256.js';
export {
  blocks,
  branches,
  channels,
  elements,
  groupOfId,
  groupsOfKinds,
  heads,
  includesKind,
  isDepth,
  layers,
  modulations,
  neurons,
  nOfM,
  pairs,
  parseSpace,
  type Space,
  spaceNames,
} from './space.js';
export { collectStatistics } from './statistics/collect.js';
export { type ComparedOutput, comparedOutput } from './statistics/compared-output.js';
export { spreadTimesteps } from './statistics/spread-timesteps.js';
export type {
  OutputsWithout,
  Statistics,
  StatisticsRequest,
  TimestepLoss,
  Without,
} from './statistics/statistics.js';
export { subfolder } from './subfolder.js';
export { type UrlSourceOptions, urlSource } from './url-source.js';
export { planTies, type WidthTie, type WidthTies } from './width-ties.js';
export { type WriteBehind, writeBehind } from './write-behind.js';
