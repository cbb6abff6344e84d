import type { LogSnr } from './log-snr.js';

export type Algorithm = 'dpmsolver' | 'dpmsolver++' | 'sde-dpmsolver' | 'sde-dpmsolver++';

/** `next = sample * x + outputs[0] * newest + outputs[1] * one before + … + noise * eps`. */
export interface DpmWeights {
  readonly sample: number;
  readonly outputs: readonly number[];
  readonly noise: number;
}

/** Weights of the newest output and of its first and second differences (D0, D1, D2 in the papers). */
interface Differences {
  readonly sample: number;
  readonly d0: number;
  readonly d1: number;
  readonly d2: number;
  readonly noise: number;
}

/**
 * One step's weights. With outputs m0, m1, m2 at points s0, s1, s2 and steps h, h0, h1 in lambda:
 *
 *   D1_0 = (m0 - m1) h / h0,  D1_1 = (m1 - m2) h / h1
 *   order 2:  D1 = D1_0
 *   order 3:  D1 = D1_0 + r0 / (r0 + r1) (D1_0 - D1_1),  D2 = (D1_0 - D1_1) / (r0 + r1),  r_i = h_i / h
 *
 * @param points  where the step goes, where it starts, then where earlier outputs were: 2 to 4, order + 1
 */
export function dpmWeights(algorithm: Algorithm, isHeun: boolean, points: readonly LogSnr[]): DpmWeights {
  const [to, from, before, beforeThat] = points;
  const h = to.lambda - from.lambda;
  const order = points.length - 1;
  const { sample, d0, d1, d2, noise } = differencesOf(algorithm, { isHeun: isHeun || order === 3, to, from, h });
  if (order === 1) return { sample, outputs: [d0], noise };
  const r0 = (from.lambda - before.lambda) / h;
  if (order === 2) return { sample, outputs: [d0 + d1 / r0, -d1 / r0], noise };
  const r1 = (before.lambda - beforeThat.lambda) / h;
  const ofFirst = d1 * (1 + r0 / (r0 + r1)) + d2 / (r0 + r1);
  const ofSecond = -(d1 * r0 + d2) / (r0 + r1);
  return {
    sample,
    outputs: [d0 + ofFirst / r0, -ofFirst / r0 + ofSecond / r1, -ofSecond / r1],
    noise,
  };
}

interface Move {
  readonly isHeun: boolean;
  readonly to: LogSnr;
  readonly from: LogSnr;
  readonly h: number;
}

function differencesOf(algorithm: Algorithm, { isHeun, to, from, h }: Move): Differences {
  switch (algorithm) {
    case 'dpmsolver++': {
      const phi = Math.expm1(-h);
      return {
        sample: to.sigma / from.sigma,
        d0: -to.alpha * phi,
        d1: to.alpha * (isHeun ? phi / h + 1 : -phi / 2),
        d2: -to.alpha * ((phi + h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case 'dpmsolver': {
      const phi = Math.expm1(h);
      return {
        sample: to.alpha / from.alpha,
        d0: -to.sigma * phi,
        d1: -to.sigma * (isHeun ? phi / h - 1 : phi / 2),
        d2: -to.sigma * ((phi - h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case 'sde-dpmsolver++': {
      const phi = -Math.expm1(-2 * h);
      return {
        sample: (to.sigma / from.sigma) * Math.exp(-h),
        d0: to.alpha * phi,
        d1: to.alpha * (isHeun ? phi / (-2 * h) + 1 : phi / 2),
        d2: to.alpha * ((phi - 2 * h) / (2 * h) ** 2 - 0.5),
        noise: to.sigma * Math.sqrt(phi),
      };
    }
    case 'sde-dpmsolver': {
      const phi = Math.expm1(h);
      return {
        sample: to.alpha / from.alpha,
        d0: -2 * to.sigma * phi,
        d1: -to.sigma * (isHeun ? 2 * (phi / h - 1) : phi),
        d2: 0,
        noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
      };
    }
  }
}
