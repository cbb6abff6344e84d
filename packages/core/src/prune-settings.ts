import { SecateurError } from '@secateur/graph';
import { type Budget, ratioBudget } from './budget.js';
import { type TreatmentChoice, treatmentChoices } from './layer-units.js';
import type { PruneSettings } from './method.js';
import type { PruneOptions } from './prune.js';

/**
 * What the caller asked for, with defaults filled in.
 * @throws {SecateurError} BAD_OPTION for a value out of range, and unless either a ratio or a budget is given
 */
export function settingsOf(options: PruneOptions): PruneSettings {
  const { roundTo = 1, maxRatio = 1 } = options;
  if (!Number.isInteger(roundTo) || roundTo < 1) {
    throw new SecateurError('BAD_OPTION', `roundTo must be a whole number from 1; it is ${roundTo}.`, {
      field: 'roundTo',
    });
  }
  if (!(maxRatio > 0 && maxRatio <= 1)) {
    throw new SecateurError('BAD_OPTION', `maxRatio must be in (0, 1]; it is ${maxRatio}.`, { field: 'maxRatio' });
  }
  const { timesteps } = options;
  if (timesteps !== undefined && !(Number.isInteger(timesteps) && timesteps >= 1)) {
    throw new SecateurError('BAD_OPTION', `timesteps must be a whole number from 1; it is ${timesteps}.`, {
      field: 'timesteps',
    });
  }
  return {
    budget: budgetOf(options),
    space: options.space,
    ...(options.treatment === undefined ? {} : { treatment: treatmentOf(options.treatment) }),
    normGroups: options.normGroups,
    expressible: options.expressible ?? false,
    roundTo,
    maxRatio,
    ignore: options.ignore ?? [],
    ratios: options.ratios ?? {},
    timesteps,
  };
}

function treatmentOf(treatment: TreatmentChoice): TreatmentChoice {
  if (treatmentChoices.includes(treatment)) return treatment;
  throw new SecateurError('BAD_OPTION', `There is no treatment "${treatment}".`, {
    field: 'treatment',
    hint: `Choose ${treatmentChoices.join(', ')}.`,
  });
}

function budgetOf({ ratio, budget, space, method }: PruneOptions): Budget {
  if (ratio !== undefined && budget === undefined) return ratioBudget(ratio);
  if (budget !== undefined && ratio === undefined) return budget;
  if (ratio === undefined && space?.kind === 'elements' && space.pattern.kind === 'n:m') {
    return ratioBudget(1 - space.pattern.n / space.pattern.m);
  }
  if (ratio === undefined && method.needsBudget === false) return ratioBudget(0);
  throw new SecateurError('BAD_OPTION', 'Give either a ratio or a budget.', {
    field: 'ratio',
    hint: 'ratio: 0.3 removes three units in ten; budget: macs=0.56 leaves 56 % of the MACs.',
  });
}
