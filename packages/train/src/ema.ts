import { checkRange, checkWhole } from './check-range.js';
import type { Values } from './parameters.js';

export interface EmaOptions {
  /** Share of the old average kept at each step, in [0, 1). Default 0.999. */
  readonly decay?: number;
  /** Start with `(1 + step) / (10 + step)` and grow to `decay`, so that the first weights are soon forgotten. Default true. */
  readonly warmup?: boolean;
  /** The average is the weights themselves until so many steps were made. Default 0. */
  readonly after?: number;
}

/** Exponential moving average of the weights. */
export interface Ema {
  readonly options: Required<EmaOptions>;
  init(parameters: Values): Map<string, Float32Array>;
  /** Moves `average` towards `parameters`, in place. `step` counts the updates made, from 1. */
  update(average: Values, parameters: Values, step: number): void;
}

/** @throws {SecateurError} BAD_OPTION */
export function ema(options: EmaOptions = {}): Ema {
  const { decay = 0.999, warmup = true, after = 0 } = options;
  checkRange('decay', decay, 0, 1);
  checkWhole('after', after, 0);
  const decayAt = (step: number): number => {
    if (step <= after) return 0;
    return warmup ? Math.min(decay, (1 + step - after) / (10 + step - after)) : decay;
  };
  return {
    options: { decay, warmup, after },
    init: (parameters) => new Map([...parameters].map(([name, values]) => [name, values.slice()])),
    update(average, parameters, step) {
      const share = 1 - decayAt(step);
      for (const [name, w] of parameters) {
        const a = average.get(name)!;
        for (let i = 0; i < w.length; i++) a[i] += share * (w[i] - a[i]);
      }
    },
  };
}
