import { SecateurError } from '@secateur/graph';
import {
  choiceField,
  type Field,
  flagField,
  numberField,
  numbersField,
  optionalField,
  type Values,
  wholeField,
} from './config-fields.js';

const schedules = ['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'laplace', 'exp'] as const;

export type BetaSchedule = (typeof schedules)[number];

export type BetaFields = {
  num_train_timesteps: Field<number>;
  beta_start: Field<number>;
  beta_end: Field<number>;
  beta_schedule: Field<BetaSchedule>;
  trained_betas: Field<readonly number[] | null>;
};

/** The fields that say how noise was added in training. */
export function betaFields(start = 0.0001, end = 0.02, schedule: BetaSchedule = 'linear'): BetaFields {
  return {
    num_train_timesteps: wholeField(1000, 1, 100_000),
    beta_start: numberField(start, 0, 1),
    beta_end: numberField(end, 0, 1),
    beta_schedule: choiceField(schedule, schedules),
    trained_betas: optionalField(numbersField(0, 1)),
  };
}

export const zeroSnrField: Field<boolean> = flagField(false);

export interface AlphaOptions {
  /** Make the last timestep pure noise (Lin et al., 2305.08891, algorithm 1). */
  zeroSnr?: boolean;
  /** Replaces a last value of exactly 0, for samplers that divide by it. */
  last?: number;
}

/**
 * Share of signal variance left at every training timestep: the cumulative product of `1 - beta`. Betas and alphas are
 * rounded to float32 and the product is accumulated in double, as PyTorch does on a CPU.
 *
 * @returns [num_train_timesteps], float32, falling
 */
export function alphasCumprod(config: Values<BetaFields>, options: AlphaOptions = {}): Float32Array {
  const betas = betasOf(config);
  const product = cumulativeProduct(options.zeroSnr ? withZeroTerminalSnr(betas) : betas);
  if (options.zeroSnr && options.last !== undefined) product[product.length - 1] = options.last;
  return product;
}

function betasOf(config: Values<BetaFields>): Float32Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end, trained_betas: trained } = config;
  if (trained) {
    if (trained.length === count) return Float32Array.from(trained);
    throw new SecateurError(
      'BAD_CONFIG',
      `Scheduler field trained_betas has ${trained.length} values; num_train_timesteps is ${count}.`,
      { field: 'trained_betas' },
    );
  }
  switch (config.beta_schedule) {
    case 'linear':
      return linspace(start, end, count);
    case 'scaled_linear':
      return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'sigmoid':
      return linspace(-6, 6, count).map((x) => Math.fround(1 / (1 + Math.exp(-x))) * (end - start) + start);
    case 'squaredcos_cap_v2':
      return fromAlphaBar(count, (t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2);
    case 'exp':
      return fromAlphaBar(count, (t) => Math.exp(-12 * t));
    case 'laplace':
      return fromAlphaBar(count, laplaceAlphaBar);
  }
}

function laplaceAlphaBar(t: number): number {
  const side = 0.5 - t < 0 ? -1 : 1;
  const snr = Math.exp(-0.5 * side * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6));
  return Math.sqrt(snr / (1 + snr));
}

/** Betas that give a continuous alpha-bar; capped at 0.999 so that the last step keeps some signal. */
function fromAlphaBar(count: number, alphaBar: (t: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999),
  );
}

/** `torch.linspace` in float32: counted up from the start in the first half, down from the end in the second. */
export function linspace(start: number, end: number, count: number): Float32Array {
  const first = Math.fround(start);
  const last = Math.fround(end);
  const step = count > 1 ? Math.fround(Math.fround(last - first) / (count - 1)) : 0;
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? first + Math.fround(step * i) : last - Math.fround(step * (count - 1 - i)),
  );
}

function cumulativeProduct(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => (product *= Math.fround(1 - beta)));
}

function withZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas).map(Math.sqrt);
  const first = roots[0];
  const last = roots[roots.length - 1];
  const scale = Math.fround(first / Math.fround(first - last));
  const bars = roots.map((root) => Math.fround(Math.fround(root - last) * scale) ** 2);
  return bars.map((bar, i) => 1 - Math.fround(i === 0 ? bar : bar / bars[i - 1]));
}
