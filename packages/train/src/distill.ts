import type { Model } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import {
  denoising,
  featureDistillation,
  guidedDistillation,
  type LossTerm,
  outputDistillation,
} from './losses/loss-terms.js';
import { type TrainResult, train } from './train.js';
import type { TrainOptions } from './train-options.js';

/** Weights of the terms; those of 0 are left out. */
export interface DistillWeights {
  /** Of the denoising loss. */
  readonly task: number;
  /** Of the distance to the teacher's output. */
  readonly output: number;
  /** Of the distance to its activations. */
  readonly features: number;
  /** Of the distance to its guided output. */
  readonly guided: number;
  /** Whether features are compared relative to the teacher's. */
  readonly normalized: boolean;
}

export type DistillPreset = 'diff-pruning' | 'sparsedm' | 'bk-sdm' | 'laptop-diff';

/** Mixes of the published methods. */
export const distillPresets: Readonly<Record<DistillPreset, DistillWeights>> = {
  /** Fang et al., 2305.10924. */
  'diff-pruning': { task: 0.7, output: 0.3, features: 0, guided: 0, normalized: false },
  /** Wang et al., 2404.10445. */
  sparsedm: { task: 1, output: 0.1, features: 0, guided: 0, normalized: false },
  /** Kim et al., 2305.15798. */
  'bk-sdm': { task: 1, output: 1, features: 1, guided: 0, normalized: false },
  /** Zhang et al., 2404.11098; its weights are not published, these are BK-SDM's. */
  'laptop-diff': { task: 1, output: 1, features: 1, guided: 0, normalized: true },
};

export interface DistillOptions extends Omit<TrainOptions, 'losses' | 'teacher'>, Partial<DistillWeights> {
  /** The dense model, frozen. */
  readonly teacher: Model;
  /** Where weights that are not given come from. Default `diff-pruning`. */
  readonly preset?: DistillPreset;
  /** Modules whose activations are compared: see `featureDistillation`. */
  readonly at?: readonly string[];
  /** Guidance scales are drawn from here. Default 2..14. */
  readonly scale?: readonly [least: number, most: number];
}

/**
 * Trains a model to do as its teacher does: {@link train} with the terms of a preset.
 *
 * @throws {SecateurError} BAD_OPTION for an unknown preset or when all weights are 0, and what `train` throws
 */
export async function distill(model: Model, options: DistillOptions): Promise<TrainResult> {
  const { preset, task, output, features, guided, normalized, at, scale, ...rest } = options;
  const losses = distillTerms({ preset, task, output, features, guided, normalized, at, scale });
  return train(model, { ...rest, losses });
}

/** The terms that {@link distill} trains with. */
export function distillTerms(
  options: Pick<DistillOptions, 'preset' | 'at' | 'scale'> & Partial<DistillWeights>,
): LossTerm[] {
  const { preset = 'diff-pruning', at, scale } = options;
  const mix = Object.hasOwn(distillPresets, preset) ? distillPresets[preset] : undefined;
  if (!mix) {
    throw new SecateurError('BAD_OPTION', `There is no preset "${preset}".`, {
      field: 'preset',
      hint: `Choose from ${Object.keys(distillPresets).join(', ')}.`,
    });
  }
  const { task = mix.task, output = mix.output, features = mix.features, guided = mix.guided } = options;
  const { normalized = mix.normalized } = options;
  const terms = [
    denoising(task),
    outputDistillation(output),
    featureDistillation({ weight: features, at, normalized }),
    guidedDistillation({ weight: guided, scale }),
  ];
  // A weight that is no number is not 0: the check of terms names it.
  return terms.filter(({ weight }) => weight !== 0);
}
