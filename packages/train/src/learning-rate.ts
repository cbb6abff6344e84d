import { SecateurError } from '@secateur/graph';
import { checkRange, checkWhole } from './check-range.js';

export const scheduleNames = ['constant', 'linear', 'cosine'] as const;

export type ScheduleName = (typeof scheduleNames)[number];

export interface LearningRateOptions {
  /** The largest: above 0. */
  readonly peak: number;
  /** What follows the warm-up: `constant`, or a fall to `final` at the last step along a line or half a cosine. Default `constant`. */
  readonly schedule?: ScheduleName;
  /** Steps over which it grows from 0 to `peak`, the first step being 0 as in diffusers' `get_scheduler`. Default 0. */
  readonly warmup?: number;
  /** Where `linear` and `cosine` end. Default 0. */
  readonly final?: number;
}

/**
 * The learning rate of step `step` (from 0) of `steps`.
 *
 * @throws {SecateurError} BAD_OPTION when an option is out of range
 */
export function learningRateAt(options: LearningRateOptions, step: number, steps: number): number {
  const { peak, schedule = 'constant', warmup = 0, final = 0 } = options;
  if (step < warmup) return (peak * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  switch (schedule) {
    case 'constant':
      return peak;
    case 'linear':
      return final + (peak - final) * (1 - progress);
    case 'cosine':
      return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * progress));
  }
}

/** @throws {SecateurError} BAD_OPTION */
export function checkLearningRate(options: LearningRateOptions): Required<LearningRateOptions> {
  const { peak, schedule = 'constant', warmup = 0, final = 0 } = options;
  checkRange('learningRate.peak', peak, Number.MIN_VALUE);
  checkWhole('learningRate.warmup', warmup, 0);
  checkRange('learningRate.final', final, 0, peak, true);
  if (!scheduleNames.includes(schedule)) {
    throw new SecateurError('BAD_OPTION', `There is no learning-rate schedule "${schedule}".`, {
      field: 'learningRate.schedule',
      hint: `Choose from ${scheduleNames.join(', ')}.`,
    });
  }
  return { peak, schedule, warmup, final };
}
