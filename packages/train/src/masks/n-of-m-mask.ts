import { parsePattern } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { checkRange } from '../check-range.js';
import type { Parameter } from '../parameters.js';
import { type MaskStructure, maskRows, maskScratch, writeStructuredNOfM } from './structured-n-of-m.js';
import type { WeightMask } from './weight-mask.js';

export interface NOfMMaskOptions extends Partial<MaskStructure> {
  /** E.g. `2:4`: of every run of 4 input channels the 2 largest weights stay. */
  readonly pattern: string;
  /** `ste` lets masked weights learn; `sr-ste` also pulls them towards zero (Zhou et al., 2102.04010). Default `sr-ste`. */
  readonly estimator?: 'ste' | 'sr-ste';
  /** SR-STE's pull, >= 0. Default 2e-4. */
  readonly decay?: number;
  /** Which weights, by checkpoint name. Default: every one of two or more axes whose input channels the pattern divides. */
  readonly covers?: (name: string) => boolean;
}

/** Masks rebuilt from the magnitudes before every step, while the dense weights go on learning. */
export function nOfMMask(options: NOfMMaskOptions): WeightMask {
  const { pattern, estimator = 'sr-ste', decay = 2e-4, covers = () => true } = options;
  const { sharedRows = 1, wholeKernels = false } = options;
  const parsed = parsePattern(pattern);
  if (parsed.kind !== 'n:m') {
    throw new SecateurError('BAD_OPTION', `"${pattern}" is no N:M pattern.`, { field: 'pattern' });
  }
  checkRange('decay', decay, 0);
  if (!maskRows.includes(sharedRows)) {
    throw new SecateurError('BAD_OPTION', `sharedRows is ${sharedRows}; it must be one of ${maskRows.join(', ')}.`, {
      field: 'sharedRows',
    });
  }
  const structure = { sharedRows, wholeKernels };
  const scratch = maskScratch();
  const reasonFor = ({ name, shape, inputAxis }: Parameter): string | undefined => {
    if (inputAxis < 0 || !name.endsWith('weight')) return 'not the weight of a convolution or linear';
    if (shape[inputAxis] % parsed.m !== 0) return `${shape[inputAxis]} input channels are no multiple of ${parsed.m}`;
    return covers(name) ? undefined : 'left out';
  };
  return {
    name: `${pattern} ${estimator}`,
    options: {
      pattern,
      estimator,
      decay: estimator === 'ste' ? 0 : decay,
      // What is not said is not part of a checkpoint's identity.
      ...(sharedRows !== 1 && { sharedRows }),
      ...(wholeKernels && { wholeKernels }),
    },
    refresh: true,
    straightThrough: true,
    decay: estimator === 'ste' ? 0 : decay,
    covers: (parameter) => reasonFor(parameter) === undefined,
    whyDense: reasonFor,
    write: (parameter, values, mask) => writeStructuredNOfM(parameter, values, parsed, structure, mask, scratch),
  };
}
