import { defineMethod, type Method, type MethodDefinition, type PluginFactory } from '@secateur/core';
import type { LossTerm } from './losses/loss-terms.js';
import type { WeightMask } from './masks/weight-mask.js';

/** What a method trains with. Everything else (data, rates, number of steps) is the caller's. */
export interface TrainingPlan {
  readonly losses: readonly LossTerm[];
  readonly mask?: WeightMask;
}

export interface TrainingRequest {
  /** Updates that will be made. */
  readonly steps: number;
}

/** A method whose training is the method: `steps` gives what it starts from, `training` what `train` goes on with. */
export interface TrainingMethod extends Method {
  training(request: TrainingRequest): TrainingPlan;
}

export interface TrainingMethodDefinition<Options> extends MethodDefinition<Options> {
  training(options: Readonly<Options>, request: TrainingRequest): TrainingPlan;
}

/** Declares one: a method of `prune` as well, which then makes its cut without training. */
export function defineTrainingMethod<Options extends object>(
  definition: TrainingMethodDefinition<Options>,
): PluginFactory<TrainingMethod, Options> {
  const { training, ...plain } = definition;
  const factory = defineMethod<Options>(plain);
  const make = (options?: Partial<Options>): TrainingMethod => {
    const method = factory(options);
    return { ...method, training: (request) => training(method.options as Options, request) };
  };
  const { kind, pluginName, summary, defaults, schema } = factory;
  return Object.assign(make, { kind, pluginName, summary, defaults, schema });
}

export function isTrainingMethod(method: Method): method is TrainingMethod {
  return 'training' in method && typeof method.training === 'function';
}
