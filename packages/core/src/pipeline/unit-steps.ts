import {
  defaultOps,
  type Group,
  type Removal,
  refuseUnknownOps,
  removeUnits,
  SecateurError,
  throwIfAborted,
} from '@secateur/graph';
import { costOf } from '../cost.js';
import type { Criterion } from '../criterion.js';
import { depthCosts } from '../depth-costs.js';
import type { MethodContext, PruneSettings, Step } from '../method.js';
import { type CellPlan, checkNorms, dropBrokenComponents, type NormGroupRule, planCells } from '../norm-rules.js';
import type { PipelineParts } from '../pipeline.js';
import type { Json } from '../run-store.js';
import { loadWeights, scoreUnits } from '../score-units.js';
import type { UnitScores } from '../selector.js';
import { localRanking } from '../selectors/local.js';
import { checkDepthSettings } from '../selectors/rank-depth.js';
import { includesKind, type Space } from '../space.js';
import type { Statistics } from '../statistics/statistics.js';
import { planTies } from '../width-ties.js';
import { type Choice, hasTensor, isLayerSpace, wholeLayers } from './whole-layers.js';

type Context = Omit<MethodContext<object>, 'options'>;
type UnitSpace = Extract<Space, { kind: 'units' }>;

/** Scores whole units and chooses which go: channels and what lies in layers, or layers and blocks as a whole. */
export async function* unitSteps(
  context: Context,
  parts: PipelineParts,
  space: UnitSpace,
  statistics: Statistics,
): AsyncGenerator<Step> {
  const { criterion, selector = localRanking() } = parts;
  const { coupling, settings, ops } = context;
  refuseUnknownOps(context.model.graph, ops ?? defaultOps);
  const isDeep = isLayerSpace(space);
  if (isDeep) checkDepthSettings(settings);
  const rule = settings.normGroups ?? parts.normGroups ?? 'paper';
  const { plan, eligible, leftWhole } = isDeep ? wholeLayers(context, space) : planned(context, space, rule);
  const scores = await scoreGroups(context, criterion, eligible, statistics);
  for (const { id } of eligible) {
    if (!scores.has(id)) leftWhole.set(id, `criterion "${criterion.name}" finds nothing in it to go by`);
  }
  const scored = eligible.filter(({ id }) => scores.has(id));
  const groups = isDeep ? scored : dropBrokenComponents(plan, scored, leftWhole);
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
    savings: (units) => depthCosts(context.model, coupling, units),
    latency: context.latency && ((cut) => context.latency!(modelAfter(cut))),
  });
  if (!isDeep) checkNorms(coupling, removal, settings.expressible ? undefined : rule, selector.name);
  const names = { criterion: criterion.name, selector: selector.name };
  const normGroups = isDeep ? undefined : rule;
  const outcome = { removal, scores, statistics, normGroups, leftWhole, space, ...names };
  yield { name: 'select', details: summaryOf(removal), outcome };
}

function planned(context: Context, space: UnitSpace, rule: NormGroupRule): Choice {
  const { coupling, settings } = context;
  // No configuration can say that an output is not computed.
  const outputs = space.units.includes('modulation') && !settings.expressible ? coupling.modulations : [];
  const all = { groups: [...coupling.groups, ...outputs], norms: coupling.norms };
  const plan = settings.expressible ? planExpressible(context) : planCells(all, rule);
  const leftWhole = new Map(plan.leftWhole);
  return { plan, eligible: eligibleGroups(context, all.groups, space, plan, leftWhole), leftWhole };
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
  { settings }: Context,
  groups: readonly Group[],
  space: UnitSpace,
  plan: CellPlan,
  leftWhole: Map<string, string>,
): Group[] {
  for (const group of groups) {
    const reason = whyLeftAlone(group, space, settings);
    if (reason) leftWhole.set(group.id, reason);
  }
  const free = groups.filter(({ id }) => !leftWhole.has(id));
  return dropBrokenComponents(plan, free, leftWhole);
}

function whyLeftAlone(group: Group, space: UnitSpace, settings: PruneSettings): string | undefined {
  // Heads must follow the width of their stage where a configuration derives one from the other.
  if (!settings.expressible && !includesKind(space.units, group.kind)) {
    return `of kind ${group.kind}, which the space "${space.name}" leaves alone`;
  }
  const ignored = settings.ignore.find((pattern) => hasTensor(group, pattern));
  return ignored && `ignored by "${ignored}"`;
}

/** Group by group, so that the weights of one group at a time are held. */
async function scoreGroups(
  { coupling, model, seed, signal, onProgress }: Context,
  criterion: Criterion,
  groups: readonly Group[],
  statistics: Statistics,
): Promise<UnitScores> {
  const scores = new Map<string, Float32Array>();
  const readsWeights = criterion.needs.every(({ kind }) => kind !== 'outputs-without');
  const report = (done: number) => onProgress({ phase: 'score', done, total: groups.length, unit: 'groups' });
  for (const [done, group] of groups.entries()) {
    throwIfAborted(signal);
    report(done);
    const values = readsWeights
      ? group.slices.map(({ value }) => value).filter((value) => model.graph.constants.get(value)!.parameter)
      : [];
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
