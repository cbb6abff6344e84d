export { type ComparedModel, type CompareInput, renderCompare } from './compare.js';
export { type ModelCardInput, modelCard } from './model-card.js';
export type { ReportPicture } from './picture.js';
export type { TimestepError } from './plots/plot-differences.js';
export { type ReportInput, renderReport } from './report.js';
export { type CostJson, type LayerJson, type ReportJson, type ReportJsonOptions, reportJson } from './report-json.js';
export { renderTraining, type TrainingReportInput, trainingCard } from './training.js';
