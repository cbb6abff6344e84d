import { parsePattern } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { type MaskStructure, nOfMMask, type Parameter, type WeightMask } from '@secateur/train';
import { isLeftDense } from './left-dense.js';

/** Patterns of the paper's code, and those that progressive sparsity passes through. */
export const patterns = [
  '2:4',
  '1:4',
  '3:4',
  '1:8',
  '2:8',
  '4:8',
  '5:8',
  '6:8',
  '7:8',
  '1:16',
  '15:16',
  '1:32',
  '31:32',
] as const;

/** What comes before the pattern itself, each for a fifth of the steps. */
const onTheWay = ['7:8', '6:8', '5:8', '4:8'] as const;

export interface PatternOptions extends MaskStructure {
  readonly pattern: string;
  readonly estimator: 'sr-ste' | 'ste';
  readonly decay: number;
  readonly progressive: boolean;
  /** Names of weights without a mask. */
  readonly dense: readonly string[];
}

/**
 * The mask that SparseDM trains under: of every run of M input channels the N largest stay, chosen anew before every step.
 *
 * @param steps  how many there will be; of meaning to progressive sparsity alone
 * @throws {SecateurError} BAD_OPTION for a pattern that does not exist, or one that keeps more than progressive sparsity would
 */
export function patternMask(options: PatternOptions, steps: number): WeightMask {
  const { pattern, estimator, decay, progressive, dense, sharedRows, wholeKernels } = options;
  const maskOf = (named: string) =>
    nOfMMask({
      pattern: named,
      estimator,
      decay,
      sharedRows,
      wholeKernels,
      covers: (name) => !isLeftDense(name, dense),
    });
  const last = maskOf(pattern);
  if (!progressive) return { ...last, options: described(options) };
  const { n, m } = parsePattern(pattern) as { n: number; m: number };
  if (2 * n > m) {
    throw new SecateurError('BAD_OPTION', `Progressive sparsity goes down to a half before it reaches ${pattern}.`, {
      plugin: 'sparsedm',
      field: 'progressive',
      hint: 'Choose a pattern that keeps at most half, or train under the pattern from the start.',
    });
  }
  const phases = onTheWay.map(maskOf);
  const phaseAt = (parameter: Parameter, step: number): WeightMask => {
    const phase = phases[Math.floor(((phases.length + 1) * step) / steps)];
    // Runs of 8 do not fit everywhere where runs of 4 do.
    return phase?.covers(parameter) ? phase : last;
  };
  return {
    ...last,
    options: described(options),
    write: (parameter, values, mask, step) => phaseAt(parameter, step).write(parameter, values, mask, step),
  };
}

/** All that decides the masks, as JSON. */
function described({ dense, ...rest }: PatternOptions): WeightMask['options'] {
  return { ...rest, dense: [...dense] };
}
