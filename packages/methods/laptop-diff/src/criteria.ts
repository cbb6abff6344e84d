import { type Criterion, defineCriterion, outputsWithout, type PluginFactory } from '@secateur/core';
import { depthKinds } from '@secateur/graph';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';

export interface WithoutOptions {
  /**
   * Random sets of layers that are measured as well, for the report of how far single scores add up. In 0…10,000; every set
   * costs as much as one more layer. Default 0.
   */
  subsets: number;
  /** Samples times layers that go through the model in one run. Default 0: as many as memory allows, by estimate. */
  rowsPerRun: number;
}

const withoutDefaults: WithoutOptions = { subsets: 0, rowsPerRun: 0 };

/** Options of what is measured, with a default for the number of sets. */
export function withoutEntries(
  subsets: number,
): Record<keyof WithoutOptions, v.GenericSchema<number | undefined, number>> {
  const whole = (most: number, description: string, fallback: number) =>
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most), v.description(description)), fallback);
  return {
    subsets: whole(10_000, 'Random sets of layers measured as well, to see how far scores add up', subsets),
    rowsPerRun: whole(4096, 'Samples times layers in one run; 0: by memory', withoutDefaults.rowsPerRun),
  };
}

/** What both criteria are, but for what they read off the outputs. */
const ofOutputsWithout = {
  apiVersion: 1,
  defaults: withoutDefaults,
  options: toStandardJsonSchema(v.strictObject(withoutEntries(withoutDefaults.subsets))),
  units: depthKinds,
  needs: (options: WithoutOptions) => [outputsWithout(options)],
} as const;

/**
 * Output loss of a layer (Zhang et al., arXiv 2404.11098): how far the output moves when that layer alone is left out.
 *
 *   c_i = E ‖ε(r_i = 1) − ε_ori‖²,   over samples, noise and timesteps; mean over elements
 */
export const outputLoss: PluginFactory<Criterion, WithoutOptions> = defineCriterion<WithoutOptions>({
  ...ofOutputsWithout,
  name: 'output-loss',
  summary: 'How far the output moves when a layer alone is left out.',
  score: (group, context) => Float32Array.of(context.outputsWithout(group).distance),
});

/** By how much the denoising loss rises when a layer alone is left out: below 0 where it falls. */
export const taskLoss: PluginFactory<Criterion, WithoutOptions> = defineCriterion<WithoutOptions>({
  ...ofOutputsWithout,
  name: 'task-loss',
  summary: 'By how much the denoising loss rises when a layer alone is left out.',
  score: (group, context) => Float32Array.of(context.outputsWithout(group).lossChange),
});
