import { parsePattern } from '@secateur/core';
import { SecateurError, stridesOf } from '@secateur/graph';
import { checkRange } from '../check-range.js';
import type { WeightMask } from './weight-mask.js';

export interface NOfMMaskOptions {
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
  const parsed = parsePattern(pattern);
  if (parsed.kind !== 'n:m') {
    throw new SecateurError('BAD_OPTION', `"${pattern}" is no N:M pattern.`, { field: 'pattern' });
  }
  checkRange('decay', decay, 0);
  const { n, m } = parsed;
  return {
    name: `${pattern} ${estimator}`,
    options: { pattern, estimator, decay: estimator === 'ste' ? 0 : decay },
    refresh: true,
    straightThrough: true,
    decay: estimator === 'ste' ? 0 : decay,
    covers: ({ name, shape, inputAxis }) =>
      inputAxis >= 0 && name.endsWith('weight') && shape[inputAxis] % m === 0 && covers(name),
    write: ({ shape, inputAxis }, values, mask) => writeNOfM(stridesOf(shape)[inputAxis], values, n, m, mask),
  };
}

/**
 * Keeps the `n` largest magnitudes of every run of `m` along an axis of that stride, whose length `m` divides; ties keep the
 * lower index. Made for every step of a training: no sorting, no allocation but one short scratch.
 */
export function writeNOfM(stride: number, values: Float32Array, n: number, m: number, mask: Uint8Array): void {
  const run = m * stride;
  const magnitudes = new Float64Array(m);
  for (let start = 0; start < values.length; start += run) {
    for (let at = start; at < start + stride; at++) {
      for (let k = 0; k < m; k++) magnitudes[k] = Math.abs(values[at + k * stride]);
      for (let k = 0; k < m; k++) {
        // How many of the run come before this one.
        let rank = 0;
        for (let j = 0; j < m; j++) {
          if (magnitudes[j] > magnitudes[k] || (j < k && magnitudes[j] === magnitudes[k])) rank++;
        }
        mask[at + k * stride] = rank < n ? 1 : 0;
      }
    }
  }
}
