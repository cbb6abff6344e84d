import { SecateurError } from '@secateur/graph';
import { choiceField, type Field } from './config-fields.js';

const spacings = ['linspace', 'leading', 'trailing'] as const;

export type Spacing = (typeof spacings)[number];

export function spacingField(fallback: Spacing): Field<Spacing> {
  return choiceField(fallback, spacings);
}

/** @throws {SecateurError} BAD_OPTION when `steps` is no whole number in 1..max */
export function checkSteps(steps: number, max: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= max) return;
  throw new SecateurError('BAD_OPTION', `steps is ${steps}; it must be a whole number in 1..${max}.`, {
    field: 'steps',
  });
}

/** NumPy's rounding: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` numbers from `start` to `end`, both included, in double. */
export function evenly(start: number, end: number, count: number): number[] {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
}

/**
 * Timesteps from noisy to clean, of `trainTimesteps` in training (table 2 of Lin et al., 2305.08891). With `linspace`
 * they are fractions unless `rounded`.
 *
 * `trailing` gives exactly `steps` values; for a few counts (61 of 1000, for one) diffusers gives one more, of -1, by
 * rounding error.
 */
export function spacedTimesteps(
  spacing: Spacing,
  steps: number,
  options: { trainTimesteps: number; offset: number; rounded: boolean },
): number[] {
  const { trainTimesteps, offset, rounded } = options;
  switch (spacing) {
    case 'linspace': {
      const values = evenly(0, trainTimesteps - 1, steps).reverse();
      return rounded ? values.map(roundHalfEven) : values.map(Math.fround);
    }
    case 'leading': {
      const ratio = Math.floor(trainTimesteps / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + offset);
    }
    case 'trailing':
      return trailing(trainTimesteps, trainTimesteps / steps, steps);
  }
}

/** As {@link spacedTimesteps}, for the solvers that space one step more and leave out the last, cleanest one. */
export function spacedTimestepsWithoutLast(
  spacing: Spacing,
  steps: number,
  options: { trainTimesteps: number; offset: number; lastTimestep?: number },
): number[] {
  const { trainTimesteps, offset, lastTimestep = trainTimesteps } = options;
  switch (spacing) {
    case 'linspace':
      return evenly(0, lastTimestep - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading': {
      const ratio = Math.floor(lastTimestep / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + offset);
    }
    case 'trailing':
      return trailing(
        lastTimestep,
        trainTimesteps / steps,
        Math.min(steps, Math.ceil((lastTimestep * steps) / trainTimesteps)),
      );
  }
}

function trailing(start: number, ratio: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => roundHalfEven(start - i * ratio) - 1);
}
