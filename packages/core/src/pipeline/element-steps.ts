import { SecateurError } from '@secateur/graph';
import type { MethodContext, PruneSettings, Step } from '../method.js';
import { matches } from '../name-pattern.js';
import type { PipelineParts } from '../pipeline.js';
import { chooseElements, listWeightTensors } from '../score-elements.js';
import type { Space } from '../space.js';
import type { Statistics } from '../statistics/statistics.js';

type Context = Omit<MethodContext<object>, 'options'>;
type ElementSpace = Extract<Space, { kind: 'elements' }>;

/** Scores single weights and chooses which are zeroed. */
export async function* elementSteps(
  context: Context,
  parts: PipelineParts,
  space: ElementSpace,
  statistics: Statistics,
): AsyncGenerator<Step> {
  const { model, coupling, settings, seed, signal, logger, onProgress } = context;
  const ratio = ratioOf(settings);
  const scope = scopeOf(parts, space);
  const { pattern } = space;
  if (pattern.kind === 'n:m' && Math.abs(ratio - (1 - pattern.n / pattern.m)) > 1e-9) {
    logger.warn(
      `The pattern ${space.name} zeroes ${1 - pattern.n / pattern.m} of the weights; the ratio ${ratio} is not used.`,
    );
  }
  const tensors = listWeightTensors(coupling).filter(
    ({ tensor }) => !settings.ignore.some((ignored) => matches(ignored, tensor)),
  );
  const masks = await chooseElements({
    graph: model.graph,
    criterion: parts.criterion,
    tensors,
    pattern,
    ratio,
    scope,
    statistics,
    seed,
    signal,
    onProgress: (done, total) => onProgress({ phase: 'score', done, total, unit: 'tensors' }),
  });
  yield {
    name: 'select',
    details: { tensors: masks.size },
    outcome: { masks, statistics, space, criterion: parts.criterion.name, selector: scope },
  };
}

/** @throws {SecateurError} BAD_OPTION for settings that mean nothing for single weights */
function ratioOf({ budget, roundTo, maxRatio, ratios, expressible }: PruneSettings): number {
  if (budget.kind !== 'ratio') {
    throw new SecateurError('BAD_OPTION', 'Zeroed elements save no params, MACs or bytes by themselves.', {
      field: 'budget',
      hint: 'Give the sparsity with --ratio.',
    });
  }
  const unused = [
    roundTo > 1 && 'roundTo',
    maxRatio < 1 && 'maxRatio',
    Object.keys(ratios).length > 0 && 'ratios',
    expressible && 'expressible',
  ].find((name) => name !== false);
  if (unused) {
    throw new SecateurError('BAD_OPTION', `${unused} is about widths; zeroed elements change none.`, {
      field: unused,
      hint: 'Leave it out, or choose the space channels or heads.',
    });
  }
  return budget.ratio;
}

function scopeOf({ selector }: PipelineParts, { name }: ElementSpace): 'local' | 'global' {
  const scope = selector?.name ?? 'local';
  if (scope === 'local' || scope === 'global') return scope;
  throw new SecateurError('BAD_OPTION', `Selector "${scope}" chooses units; the space "${name}" has single weights.`, {
    field: 'selector',
    hint: 'Choose local or global.',
  });
}
