import type { Additivity, OutputsWithout, UnitScores } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { pearson, spearman } from './correlation.js';

/** Which of the measurements a sum of scores should tell: that of the output, or that of the loss. */
export type Measured = 'distance' | 'lossChange';

export interface AdditivityRequest {
  /** Name of the criterion whose scores were used. */
  readonly criterion: string;
  /** Scores by criterion, that one's among them; each of every layer of the sets. */
  readonly scores: ReadonlyMap<string, UnitScores>;
  /** Default `distance`. */
  readonly measured?: Measured;
}

/**
 * How well sums of single layers' scores tell what leaving out several does, over the random sets that were measured.
 *
 * @throws {SecateurError} BAD_DATA where a criterion lacks the score of a layer
 */
export function additivityOf(outputs: OutputsWithout, request: AdditivityRequest): Additivity {
  const { criterion, scores, measured: which = 'distance' } = request;
  const sets = outputs.subsets.map(({ units, [which]: measured }) => ({ units, measured }));
  const measured = sets.map((set) => set.measured);
  const sumsOf = (name: string) =>
    sets.map(({ units }) => units.reduce((sum, id) => sum + scoreOf(scores, name, id), 0));
  const correlations = (sums: readonly number[]) => ({
    pearson: pearson(sums, measured),
    spearman: spearman(sums, measured),
  });
  const own = sumsOf(criterion);
  const others = [...scores.keys()].filter((name) => name !== criterion);
  return {
    criterion,
    subsets: sets.map((set, i) => ({ units: set.units, predicted: own[i], measured: set.measured })),
    ...correlations(own),
    others: others.map((name) => ({ criterion: name, ...correlations(sumsOf(name)) })),
  };
}

function scoreOf(scores: ReadonlyMap<string, UnitScores>, criterion: string, id: string): number {
  const score = scores.get(criterion)?.get(id)?.[0];
  if (score !== undefined) return score;
  throw new SecateurError('BAD_DATA', `There is no score of "${id}" by ${criterion}.`, { field: criterion });
}
