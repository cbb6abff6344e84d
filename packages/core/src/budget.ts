import { SecateurError } from '@secateur/graph';

/** How much to remove: a ratio of every group's units, or what may remain of a measured quantity. */
export type Budget =
  | { readonly kind: 'ratio'; readonly ratio: number }
  | {
      readonly kind: 'macs' | 'params' | 'bytes' | 'latency';
      /** Fraction that remains, in (0, 1]. */
      readonly remaining: number;
    };

/** What a model costs to store and run. */
export interface Cost {
  readonly parameters: number;
  /** Multiply-adds of convolutions and linears for one sample, biases not counted. */
  readonly macs: number;
  /** Multiply-adds of activations with activations (attention products) for one sample. */
  readonly attentionMacs: number;
  /** Bytes of the parameters and buffers. */
  readonly bytes: number;
}

/** @throws {SecateurError} BAD_OPTION outside [0, 1) */
export function ratioBudget(ratio: number): Budget {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new SecateurError('BAD_OPTION', `Ratio ${ratio} is outside [0, 1).`, {
      field: 'ratio',
      hint: 'The ratio is the fraction removed: 0.3 removes three units in ten.',
    });
  }
  return { kind: 'ratio', ratio };
}

/**
 * Reads `macs=0.56`, `params=0.7`, `bytes=0.5` or `latency=0.6`: the fraction that remains.
 * @throws {SecateurError} BAD_OPTION for anything else
 */
export function parseBudget(text: string): Budget {
  const match = /^(macs|params|bytes|latency)=(.+)$/.exec(text.trim());
  const remaining = match ? Number(match[2]) : Number.NaN;
  if (!match || !(remaining > 0 && remaining <= 1)) {
    throw new SecateurError('BAD_OPTION', `Budget "${text}" is not understood.`, {
      field: 'budget',
      hint: 'Write the fraction that remains, in (0, 1]: macs=0.56, params=0.7, bytes=0.5 or latency=0.6.',
    });
  }
  return { kind: match[1] as 'macs' | 'params' | 'bytes' | 'latency', remaining };
}
