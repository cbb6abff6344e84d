import {
  type Budget,
  type NormGroupRule,
  type PruneOptions,
  parseBudget,
  parseSpace,
  ratioBudget,
  type TreatmentChoice,
} from '@secateur/core';
import { SecateurError } from '@secateur/graph';

/** What the command line gives `prune`, apart from the method's own options. */
export interface PruneFlags {
  readonly method?: string;
  readonly remove?: string;
  readonly treatment?: TreatmentChoice;
  readonly component?: string;
  readonly ratio?: number;
  readonly budget?: string;
  readonly space?: string;
  readonly selector?: string;
  readonly normGroups?: NormGroupRule;
  readonly roundTo?: number;
  readonly maxRatio?: number;
  readonly ignore?: readonly string[];
  readonly layerRatio?: readonly string[];
  readonly expressible: boolean;
  readonly option?: readonly string[];
  readonly data?: string;
  readonly samples: number;
  readonly timesteps?: number;
  readonly out?: string;
  readonly replace: boolean;
  readonly emit?: string;
  readonly standalone: boolean;
  readonly dtype?: string;
  readonly dryRun: boolean;
  readonly latency: boolean;
  readonly pictures: boolean;
}

/**
 * The settings of `prune()` that the flags ask for, checked before anything is opened.
 * @throws {SecateurError} BAD_OPTION
 */
export function pruneSettings(
  flags: PruneFlags,
): Pick<
  PruneOptions,
  'budget' | 'space' | 'treatment' | 'normGroups' | 'roundTo' | 'maxRatio' | 'ignore' | 'ratios' | 'timesteps'
> {
  if (flags.out === undefined && !flags.dryRun) {
    throw new SecateurError('BAD_OPTION', '--out is missing.', {
      field: 'out',
      hint: 'Name a new folder, or look first with --dry-run.',
    });
  }
  return {
    budget: flags.remove === undefined ? budgetOf(flags) : undefined,
    treatment: flags.treatment,
    space: flags.space === undefined ? undefined : parseSpace(flags.space),
    normGroups: flags.normGroups,
    roundTo: flags.roundTo,
    maxRatio: flags.maxRatio,
    ignore: flags.ignore,
    ratios: parseLayerRatios(flags.layerRatio ?? []),
    timesteps: flags.timesteps,
  };
}

function budgetOf({ ratio, budget, space }: PruneFlags): Budget {
  if (budget !== undefined) return parseBudget(budget);
  if (ratio !== undefined) return ratioBudget(ratio);
  const pattern = /^(\d+):(\d+)$/.exec(space ?? '');
  // A pattern says itself how much goes.
  if (pattern) return ratioBudget(1 - Number(pattern[1]) / Number(pattern[2]));
  throw new SecateurError('BAD_OPTION', 'How much is to go? Neither --ratio nor --budget is given.', {
    field: 'ratio',
    hint: '--ratio 0.3 removes three units in ten; --budget macs=0.56 leaves 56 % of the MACs.',
  });
}

/** `mid_block.*=0.5` as a pattern and its ratio. */
function parseLayerRatios(texts: readonly string[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    const ratio = at > 0 ? Number(text.slice(at + 1)) : Number.NaN;
    if (!(ratio >= 0 && ratio < 1)) {
      throw new SecateurError('BAD_OPTION', `--layer-ratio ${text} is not understood.`, {
        field: 'layer-ratio',
        hint: "Write a pattern and a ratio in [0, 1): 'mid_block.*=0.5'.",
      });
    }
    ratios[text.slice(0, at)] = ratio;
  }
  return ratios;
}
