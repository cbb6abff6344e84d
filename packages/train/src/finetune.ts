import type { Model } from '@secateur/core';
import { denoising } from './losses/loss-terms.js';
import { type TrainResult, train } from './train.js';
import type { TrainOptions } from './train-options.js';

export interface FinetuneOptions extends Omit<TrainOptions, 'losses' | 'teacher'> {
  /** Whether only what the data's mask covers counts. Default false. */
  readonly masked?: boolean;
}

/** Goes on training a model by the denoising loss alone: {@link train}. */
export async function finetune(model: Model, options: FinetuneOptions): Promise<TrainResult> {
  const { masked, ...rest } = options;
  return train(model, { ...rest, losses: [denoising(1, { masked })] });
}
