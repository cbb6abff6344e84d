import type { Tensor } from '@secateur/graph';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';

export interface MetricDefinition<Options> extends PluginDefinition<Options> {
  /** Whether larger values are better. */
  readonly higherIsBetter: boolean;
  /** Compares two sets of images or outputs of one shape `[n, …]`. */
  compare(actual: Tensor, reference: Tensor, context: { options: Readonly<Options> }): number | Promise<number>;
}

/** A number that judges outputs against a reference. */
export interface Metric extends Plugin<object> {
  readonly kind: 'metric';
  readonly higherIsBetter: boolean;
  compare(actual: Tensor, reference: Tensor): Promise<number>;
}

export function defineMetric<Options extends object>(
  definition: MetricDefinition<Options>,
): PluginFactory<Metric, Options> {
  return makeFactory<Metric & Plugin<Options>, Options>('metric', definition, (base) => ({
    ...base,
    kind: 'metric',
    higherIsBetter: definition.higherIsBetter,
    compare: async (actual, reference) => definition.compare(actual, reference, { options: base.options }),
  }));
}
