export {
  diffPruning,
  type DiffPruningOptions,
  diffPruningScore,
  type DiffPruningScoreOptions,
  type StopOrder,
} from './diff-pruning.js';
