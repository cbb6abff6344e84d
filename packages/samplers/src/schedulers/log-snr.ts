import type { Level } from '../prediction.js';

/** Signal, noise and half their log ratio at a point of a plan: what the exponential integrators reckon with. */
export interface LogSnr extends Level {
  /** `log(alpha) - log(sigma)`; infinite where there is no noise. */
  readonly lambda: number;
}

const f = Math.fround;

/** From noise over signal, or (`isFlow`) from the noise's share in flow matching. Rounded to float32 as in PyTorch. */
export function logSnrOf(noise: number, isFlow: boolean): LogSnr {
  const alpha = isFlow ? f(1 - noise) : f(1 / f(Math.sqrt(f(f(noise * noise) + 1))));
  const sigma = isFlow ? noise : f(noise * alpha);
  return { alpha, sigma, lambda: f(f(Math.log(alpha)) - f(Math.log(sigma))) };
}
