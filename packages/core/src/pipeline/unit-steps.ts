import { type Group, type Removal, removeUnits, SecateurError, throwIfAborted } from '@secateur/graph';
import { costOf } from '../cost.js';
import type { Criterion } from '../criterion.js';
import type { MethodContext, PruneSettings, Step } from '../method.js';
import { matches } from '../name-pattern.js';
import { type CellPlan, checkNorms, dropBrokenComponents, planCells } from '../norm-rules.js';
import type { PipelineParts } from '../pipeline.js';
import type { Json } from '../run-store.js';
import { loadWeights, scoreUnits } from '../score-units.js';
import type { UnitScores } from '../selector.js';
import { localRanking } from '../selectors/local.js';
import type { Space } from '../space.js';
import type { Statistics } from '../statistics/statistics.js';
import { planTies } from '../width-ties.js';

type Context = Omit<MethodContext<object>, 'options'>;
type UnitSpace = Extract<Space, { kind: 'units' }>;

/** Scores whole units and chooses which go. */
export async function* unitSteps(
  context: Context,
  { criterion, selector = localRanking(), normGroups = 'paper' }: PipelineParts,
  space: UnitSpace,
  statistics: Statistics,
): AsyncGenerator<Step> {
  const { coupling, settings, ops } = context;
  const rule = settings.normGroups ?? normGroups;
  const plan = settings.expressible ? planExpressible(context) : planCells(coupling, rule);
  const leftWhole = new Map(plan.leftWhole);
  const eligible = eligibleGroups(context, space, plan, leftWhole);
  const scores = await scoreGroups(context, criterion, eligible, statistics);
  for (const { id } of eligible) {
    if (!scores.has(id)) leftWhole.set(id, `criterion "${criterion.name}" finds nothing in it to go by`);
  }
  const scored = eligible.filter(({ id }) => scores.has(id));
  const groups = dropBrokenComponents(plan, scored, leftWhole);
  yield { name: 'score', details: { groups: groups.length } };
  const { budget, roundTo, maxRatio } = settings;
  const modelAfter = (removal: Removal) => ({ ...context.model, graph: removeUnits(coupling, removal).graph });
  const removal = await selector.select({
    coupling,
    groups,
    scores,
    budget,
    rule,
    plan,
    roundTo,
    maxRatio,
    ratios: ratiosByGroup(groups, settings.ratios),
    before: costOf(context.model, { ops }),
    cost: (cut) => costOf(modelAfter(cut), { ops }),
    latency: context.latency && ((cut) => context.latency!(modelAfter(cut))),
  });
  checkNorms(coupling, removal, settings.expressible ? undefined : rule, selector.name);
  const names = { criterion: criterion.name, selector: selector.name };
  const outcome = { removal, scores, statistics, normGroups: rule, leftWhole, space, ...names };
  yield { name: 'select', details: summaryOf(removal), outcome };
}

function planExpressible({ model, coupling, settings }: Context): CellPlan {
  const ties = model.ties?.(coupling, settings.roundTo);
  if (ties) return planTies(coupling, ties);
  throw new SecateurError(
    'BAD_OPTION',
    `A model of format "${model.format}" has no configuration to be expressible in.`,
    { field: 'expressible', hint: 'Only diffusers checkpoints have one; leave the option out.' },
  );
}

/** Groups that may be cut; why the others may not goes to `leftWhole`. */
function eligibleGroups(
  { coupling, settings }: Context,
  space: UnitSpace,
  plan: CellPlan,
  leftWhole: Map<string, string>,
): Group[] {
  for (const group of coupling.groups) {
    const reason = whyLeftAlone(group, space, settings);
    if (reason) leftWhole.set(group.id, reason);
  }
  const free = coupling.groups.filter(({ id }) => !leftWhole.has(id));
  return dropBrokenComponents(plan, free, leftWhole);
}

function whyLeftAlone(group: Group, space: UnitSpace, settings: PruneSettings): string | undefined {
  // Heads must follow the width of their stage where a configuration derives one from the other.
  if (!settings.expressible && !space.units.includes(group.kind)) {
    return `of kind ${group.kind}, which the space "${space.name}" leaves alone`;
  }
  const ignored = settings.ignore.find((pattern) => hasTensor(group, pattern));
  return ignored && `ignored by "${ignored}"`;
}

function hasTensor(group: Group, pattern: string): boolean {
  return group.slices.some(({ tensor }) => matches(pattern, tensor));
}

/** Group by group, so that the weights of one group at a time are held. */
async function scoreGroups(
  { coupling, model, seed, signal, onProgress }: Context,
  criterion: Criterion,
  groups: readonly Group[],
  statistics: Statistics,
): Promise<UnitScores> {
  const scores = new Map<string, Float32Array>();
  const report = (done: number) => onProgress({ phase: 'score', done, total: groups.length, unit: 'groups' });
  for (const [done, group] of groups.entries()) {
    throwIfAborted(signal);
    report(done);
    const values = group.slices
      .map(({ value }) => value)
      .filter((value) => model.graph.constants.get(value)!.parameter);
    const weights = await loadWeights(model.graph, values);
    for (const [id, score] of scoreUnits(criterion, coupling, [group], weights, statistics, seed))
      scores.set(id, score);
  }
  report(groups.length);
  return scores;
}

function ratiosByGroup(groups: readonly Group[], ratios: Readonly<Record<string, number>>): Record<string, number> {
  const byGroup: Record<string, number> = {};
  for (const [pattern, ratio] of Object.entries(ratios)) {
    if (!(ratio >= 0 && ratio < 1)) {
      throw new SecateurError('BAD_OPTION', `Ratio ${ratio} for "${pattern}" is outside [0, 1).`, { field: 'ratios' });
    }
    const matched = groups.filter((group) => hasTensor(group, pattern));
    if (matched.length === 0) {
      throw new SecateurError('BAD_OPTION', `No group that may be cut has a tensor that matches "${pattern}".`, {
        field: 'ratios',
        hint: '`secateur inspect MODEL` lists the groups and their tensors.',
      });
    }
    for (const { id } of matched) byGroup[id] = ratio;
  }
  return byGroup;
}

function summaryOf(removal: Removal): Json {
  let units = 0;
  for (const list of removal.values()) units += list.length;
  return { groups: removal.size, units };
}
