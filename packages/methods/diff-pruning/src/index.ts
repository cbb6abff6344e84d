export {
  type DiffPruningOptions,
  type DiffPruningScoreOptions,
  diffPruning,
  diffPruningScore,
  type StopOrder,
} from './diff-pruning.js';
