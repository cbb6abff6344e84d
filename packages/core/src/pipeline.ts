import type { Criterion } from './criterion.js';
import type { Method, MethodContext, Step } from './method.js';
import type { NormGroupRule } from './norm-rules.js';
import { elementSteps } from './pipeline/element-steps.js';
import { unitSteps } from './pipeline/unit-steps.js';
import { isLayerSpace, wholeLayers } from './pipeline/whole-layers.js';
import type { Selector } from './selector.js';
import { channels, type Space } from './space.js';
import { collectStatistics } from './statistics/collect.js';
import { spreadTimesteps } from './statistics/spread-timesteps.js';

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
  const { timestepsPerRun } = parts;
  const timesteps = parts.timesteps ?? visitedTimesteps(context);
  const { needs } = parts.criterion;
  const measuresLayers = isLayerSpace(space) && needs.some(({ kind }) => kind === 'outputs-without');
  const units = measuresLayers ? wholeLayers(context, space).eligible : undefined;
  const statistics = await collectStatistics({ ...context, needs, units, timestepsPerRun, timesteps });
  yield { name: 'measure', details: { losses: statistics.losses.length, stoppedAt: statistics.stoppedAt ?? null } };
  if (space.kind === 'elements') yield* elementSteps(context, parts, space, statistics);
  else yield* unitSteps(context, parts, space, statistics);
}

/** The timesteps that the caller's settings leave, ascending; `undefined` for all. */
function visitedTimesteps({ settings, data }: Omit<MethodContext<object>, 'options'>): number[] | undefined {
  return settings.timesteps === undefined || !data ? undefined : spreadTimesteps(data.timesteps, settings.timesteps);
}
