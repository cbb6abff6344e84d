import {
  type Additivity,
  branches,
  type Criterion,
  defineMethod,
  exhaustive,
  greedy,
  knapsack,
  type Method,
  type Outcome,
  type PluginFactory,
  pipelineSteps,
  type Selector,
  type UnitScores,
} from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { additivityOf } from './additivity.js';
import { outputLoss, taskLoss, type WithoutOptions, withoutEntries } from './criteria.js';

export interface LaptopDiffOptions extends WithoutOptions {
  /** What losing a layer costs. Default `output-loss`; `task-loss` is the paper's first alternative. */
  criterion: 'output-loss' | 'task-loss';
  /** How layers are chosen. Default `knapsack`; the others are there to compare with. */
  selector: 'knapsack' | 'greedy' | 'exhaustive';
}

const defaults: LaptopDiffOptions = { criterion: 'output-loss', selector: 'knapsack', subsets: 16, rowsPerRun: 0 };

/**
 * LAPTOP-Diff: the layers that together are expected to move the output least, as many as the budget asks for. Layers are
 * resnets and whole attentions, those whose width changes leave their shortcut (`treatment` for other ways); scores are
 * measured at ten timesteps unless the settings say how many. Of a ratio that much of the parameters goes.
 */
export const laptopDiff: PluginFactory<Method, LaptopDiffOptions> = defineMethod<LaptopDiffOptions>({
  name: 'laptop-diff',
  apiVersion: 1,
  summary: 'Whole layers by their one-shot output loss and an exact knapsack.',
  paper: 'LAPTOP-Diff: Layer Pruning and Normalized Distillation for Compressing Diffusion Models, arXiv 2404.11098',
  defaults,
  options: toStandardJsonSchema(
    v.strictObject({
      criterion: v.optional(
        v.pipe(v.picklist(['output-loss', 'task-loss'] as const), v.description('What losing a layer costs')),
        defaults.criterion,
      ),
      selector: v.optional(
        v.pipe(v.picklist(['knapsack', 'greedy', 'exhaustive'] as const), v.description('How layers are chosen')),
        defaults.selector,
      ),
      ...withoutEntries(defaults.subsets),
    }),
  ),
  steps: async function* (context) {
    const { criterion, selector, ...measured } = context.options;
    const parts = {
      criterion: criterionNamed(criterion, measured),
      selector: selectorNamed(selector),
      space: branches,
    };
    for await (const step of pipelineSteps(context, parts)) {
      const additivity = step.outcome && additivityIn(context.coupling, step.outcome, criterion);
      yield additivity ? { ...step, outcome: { ...step.outcome!, additivity } } : step;
    }
  },
});

function criterionNamed(name: LaptopDiffOptions['criterion'], options: WithoutOptions): Criterion {
  return name === 'task-loss' ? taskLoss(options) : outputLoss(options);
}

function selectorNamed(name: LaptopDiffOptions['selector']): Selector {
  if (name === 'greedy') return greedy();
  return name === 'exhaustive' ? exhaustive() : knapsack();
}

/** Of the criterion, of the other one, and of the number of parameters, which knows nothing of the data. */
function additivityIn({ depth }: Coupling, { statistics }: Outcome, criterion: string): Additivity | undefined {
  const outputs = statistics?.outputsWithout;
  if (!outputs || outputs.subsets.length === 0) return undefined;
  const { units } = outputs;
  const scoresBy = (scoreOf: (id: string) => number): UnitScores =>
    new Map([...units.keys()].map((id) => [id, Float32Array.of(scoreOf(id))]));
  const parameters = new Map(depth.map((unit) => [unit.id, unit.parameters]));
  const scores = new Map([
    ['output-loss', scoresBy((id) => units.get(id)!.distance)],
    ['task-loss', scoresBy((id) => units.get(id)!.lossChange)],
    ['parameters', scoresBy((id) => parameters.get(id)!)],
  ]);
  return additivityOf(outputs, { criterion, scores, measured: criterion === 'task-loss' ? 'lossChange' : 'distance' });
}
