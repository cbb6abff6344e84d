import { type Coupling, type Group, type Removal, removeUnits, SecateurError } from '@secateur/graph';
import { costOf } from './cost.js';
import type { Criterion } from './criterion.js';
import type { Method, MethodContext, Outcome, PruneSettings, Step } from './method.js';
import { type NormGroupRule, planCells } from './norm-rules.js';
import type { Json } from './run-store.js';
import { chooseElements, listWeightTensors } from './score-elements.js';
import { loadWeights, scoreUnits } from './score-units.js';
import type { Selector } from './selector.js';
import { localRanking } from './selectors/local.js';
import { channels, type Space } from './space.js';
import { planTies, type WidthTies } from './width-ties.js';
import { collectStatistics } from './statistics/collect.js';

export interface PipelineParts {
  readonly criterion: Criterion;
  /** Default: local ranking. */
  readonly selector?: Selector;
  /** Default: channels. */
  readonly space?: Space;
  /** Default rule for GroupNorm; the caller's wins. Default `paper`. */
  readonly normGroups?: NormGroupRule;
  /** Timesteps mixed into one gradient run. Default 1. */
  readonly timestepsPerRun?: number;
  /** Timesteps to visit, ascending. Default: all. */
  readonly timesteps?: readonly number[];
}

/** The common case as a method: measure what the criterion needs, score, select. */
export function structured(parts: PipelineParts): Method {
  return {
    kind: 'method',
    name: parts.criterion.name,
    apiVersion: 1,
    summary: parts.criterion.summary,
    options: parts.criterion.options,
    steps: (context) => pipelineSteps(context, parts),
  };
}

/** The steps of {@link structured}, for methods that are a pipeline with a story around it. */
export async function* pipelineSteps(
  context: Omit<MethodContext<object>, 'options'>,
  parts: PipelineParts,
): AsyncGenerator<Step> {
  const space = context.settings.space ?? parts.space ?? channels;
  const { criterion } = parts;
  const statistics = await collectStatistics({
    ...context,
    needs: criterion.needs,
    timestepsPerRun: parts.timestepsPerRun,
    timesteps: parts.timesteps,
  });
  yield { name: 'measure', details: { losses: statistics.losses.length, stoppedAt: statistics.stoppedAt ?? null } };
  if (space.kind === 'elements') yield* elementSteps(context, parts, space, statistics);
  else yield* unitSteps(context, parts, space, statistics);
}

type Statistics = Awaited<ReturnType<typeof collectStatistics>>;
type Context = Omit<MethodContext<object>, 'options'>;

async function* unitSteps(
  context: Context,
  parts: PipelineParts,
  space: Extract<Space, { kind: 'units' }>,
  statistics: Statistics,
): AsyncGenerator<Step> {
  const { coupling, settings, model, seed } = context;
  const { criterion } = parts;
  const selector = parts.selector ?? localRanking();
  const rule = settings.normGroups ?? parts.normGroups ?? 'paper';
  const plan = settings.expressible ? planTies(coupling, tiesOf(context)) : planCells(coupling, rule);
  const leftWhole = new Map(plan.leftWhole);
  const groups: Group[] = [];
  for (const group of coupling.groups) {
    const reason = whyLeftAlone(group, space, settings);
    if (reason) leftWhole.set(group.id, reason);
    else if (!leftWhole.has(group.id)) groups.push(group);
  }
  const weights = await loadWeights(model.graph, groups.flatMap((group) => group.slices.map((slice) => slice.value)));
  const scores = scoreUnits(criterion, coupling, groups, weights, statistics, seed);
  for (const group of groups) {
    if (!scores.has(group.id)) leftWhole.set(group.id, `criterion "${criterion.name}" finds nothing in it to go by`);
  }
  const scored = groups.filter((group) => scores.has(group.id));
  yield { name: 'score', details: { groups: scored.length } };
  const before = costOf(model, { ops: context.ops });
  const removal = await selector.select({
    coupling,
    groups: scored,
    scores,
    budget: settings.budget,
    rule,
    plan,
    roundTo: settings.roundTo,
    maxRatio: settings.maxRatio,
    ratios: ratiosByGroup(scored, settings.ratios),
    before,
    cost: (cut) => costOf({ ...model, graph: removeUnits(coupling, cut).graph }, { ops: context.ops }),
    latency: context.latency && ((cut) => context.latency!({ ...model, graph: removeUnits(coupling, cut).graph })),
  });
  checkNorms(coupling, removal);
  const outcome: Outcome = {
    removal,
    scores,
    statistics,
    normGroups: rule,
    leftWhole,
    space,
    criterion: criterion.name,
    selector: selector.name,
  };
  yield { name: 'select', details: summary(removal), outcome };
}

async function* elementSteps(
  context: Context,
  parts: PipelineParts,
  space: Extract<Space, { kind: 'elements' }>,
  statistics: Statistics,
): AsyncGenerator<Step> {
  const { coupling, settings, model, seed } = context;
  const tensors = listWeightTensors(coupling).filter(({ tensor }) => !settings.ignore.some((pattern) => matches(pattern, tensor)));
  const weights = await loadWeights(model.graph, tensors.map(({ value }) => value));
  if (space.pattern.kind === 'elements' && settings.budget.kind !== 'ratio') {
    throw new SecateurError('BAD_OPTION', 'Zeroed elements save no params, MACs or bytes by themselves.', {
      field: 'budget',
      hint: 'Give the sparsity with --ratio.',
    });
  }
  const ratio = settings.budget.kind === 'ratio' ? settings.budget.ratio : 0;
  const scope = parts.selector?.name === 'global' ? 'global' : 'local';
  const masks = chooseElements(parts.criterion, tensors, space.pattern, ratio, scope, weights, statistics, seed);
  yield {
    name: 'select',
    details: { tensors: masks.size },
    outcome: { masks, statistics, space, criterion: parts.criterion.name, selector: scope },
  };
}

function tiesOf({ model, coupling, settings }: Context): WidthTies {
  const ties = model.ties?.(coupling, settings.roundTo);
  if (ties) return ties;
  throw new SecateurError('BAD_OPTION', `A model of format "${model.format}" has no configuration to be expressible in.`, {
    field: 'expressible',
    hint: 'Only diffusers checkpoints have one; leave the option out.',
  });
}

function whyLeftAlone(group: Group, space: Extract<Space, { kind: 'units' }>, settings: PruneSettings): string | undefined {
  // Heads must follow the width of their stage where a configuration derives one from the other.
  if (!settings.expressible && !space.units.includes(group.kind)) return `of kind ${group.kind}, which the space "${space.name}" leaves alone`;
  const ignored = settings.ignore.find((pattern) => group.slices.some((slice) => matches(pattern, slice.tensor)));
  return ignored && `ignored by "${ignored}"`;
}

/** Whether a name matches a pattern in which `*` stands for any characters. */
export function matches(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(name);
}

function ratiosByGroup(groups: readonly Group[], ratios: Readonly<Record<string, number>>): Record<string, number> {
  const byGroup: Record<string, number> = {};
  for (const [pattern, ratio] of Object.entries(ratios)) {
    if (!(ratio >= 0 && ratio < 1)) {
      throw new SecateurError('BAD_OPTION', `Ratio ${ratio} for "${pattern}" is outside [0, 1).`, { field: 'ratios' });
    }
    const matched = groups.filter((group) => group.slices.some((slice) => matches(pattern, slice.tensor)));
    if (matched.length === 0) {
      throw new SecateurError('BAD_OPTION', `No group has a tensor that matches "${pattern}".`, {
        field: 'ratios',
        hint: '`secateur inspect MODEL` lists the groups and their tensors.',
      });
    }
    for (const group of matched) byGroup[group.id] = ratio;
  }
  return byGroup;
}

/** Every GroupNorm must be left with a multiple of its number of norm groups. */
function checkNorms(coupling: Coupling, removal: Removal): void {
  const removed = new Map([...removal].map(([id, units]) => [id, new Set(units)]));
  for (const norm of coupling.norms) {
    const kept = norm.channels.filter((channel) => !channel || !removed.get(channel.group)?.has(channel.unit)).length;
    if (kept === 0 || kept % norm.groups !== 0) {
      throw new SecateurError('CANNOT_PRUNE', `${norm.norm} would keep ${kept} channels, which ${norm.groups} norm groups cannot share.`, {
        field: norm.norm,
        hint: 'A selector must remove as many channels from every norm group.',
      });
    }
  }
}

function summary(removal: Removal): Json {
  let units = 0;
  for (const list of removal.values()) units += list.length;
  return { groups: removal.size, units };
}

