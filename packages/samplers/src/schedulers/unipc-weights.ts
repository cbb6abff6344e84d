import type { Tensor } from '@secateur/graph';
import { combine, type Term } from '../combine.js';
import type { LogSnr } from './log-snr.js';

export interface Solver {
  /** Outputs are x0; otherwise they are noise. */
  readonly predictsOriginal: boolean;
  /** B(h) = h instead of e^h - 1. */
  readonly isBh1: boolean;
}

/** What the model predicted at a point. */
export interface Past {
  readonly output: Tensor;
  readonly point: LogSnr;
}

/**
 * UniP: the sample at `to`, from `sample` at the newest point (equation 3 of the paper).
 *
 * @param past  newest first; as many as the order
 */
export function predict(solver: Solver, past: readonly Past[], to: LogSnr, sample: Tensor): Tensor {
  const base = baseOf(solver, past, to);
  const order = past.length;
  const { ratios, right } = systemOf(base, past, order);
  // One difference needs no system: a half, exact in the limit, as in diffusers.
  const rhos = order === 2 ? [0.5] : solve(powers(ratios, order - 1), right);
  return combine(...base.terms(sample), ...differenceTerms(base, past, ratios, rhos));
}

/**
 * UniC: the sample at `now.point` corrected by the output there (equation 9).
 *
 * @param past  newest first, without `now`; as many as the order of the prediction to be corrected
 * @param sample  from where that prediction started
 */
export function correct(solver: Solver, past: readonly Past[], now: Past, sample: Tensor): Tensor {
  const base = baseOf(solver, past, now.point);
  const order = past.length;
  const { ratios, right } = systemOf(base, past, order + 1);
  const rhos = order === 1 ? [0.5] : solve(powers([...ratios, 1], order), right);
  const newest = past[0].output;
  const last = -base.scale * rhos[rhos.length - 1];
  return combine(
    ...base.terms(sample),
    ...differenceTerms(base, past, ratios, rhos),
    [last, now.output],
    [-last, newest],
  );
}

interface Base {
  /** Signed step in lambda. */
  readonly hh: number;
  readonly h: number;
  readonly bh: number;
  /** alpha (or sigma) at the end of the step, times B(h). */
  readonly scale: number;
  readonly origin: LogSnr;
  /** The first-order step. */
  terms(sample: Tensor): Term[];
}

function baseOf({ predictsOriginal, isBh1 }: Solver, past: readonly Past[], to: LogSnr): Base {
  const { point: from, output } = past[0];
  const h = to.lambda - from.lambda;
  const hh = predictsOriginal ? -h : h;
  const phi = Math.expm1(hh);
  const bh = isBh1 ? hh : phi;
  const kept = predictsOriginal ? to.sigma / from.sigma : to.alpha / from.alpha;
  const outer = predictsOriginal ? to.alpha : to.sigma;
  return {
    hh,
    h,
    bh,
    scale: outer * bh,
    origin: from,
    terms: (sample) => [
      [kept, sample],
      [-outer * phi, output],
    ],
  };
}

/** Relative positions r_k of the older points and the right-hand side b of the order conditions, `size - 1` of them. */
function systemOf(base: Base, past: readonly Past[], size: number): { ratios: number[]; right: number[] } {
  const ratios = past.slice(1).map(({ point }) => (point.lambda - base.origin.lambda) / base.h);
  const right: number[] = [];
  let factorial = 1;
  let phi = Math.expm1(base.hh) / base.hh - 1;
  for (let k = 1; k < size; k++) {
    right.push((phi * factorial) / base.bh);
    factorial *= k + 1;
    phi = phi / base.hh - 1 / factorial;
  }
  return { ratios, right };
}

function differenceTerms(
  base: Base,
  past: readonly Past[],
  ratios: readonly number[],
  rhos: readonly number[],
): Term[] {
  return ratios.flatMap((ratio, k): Term[] => {
    const weight = (-base.scale * rhos[k]) / ratio;
    return [
      [weight, past[k + 1].output],
      [-weight, past[0].output],
    ];
  });
}

/** Rows `r^0, r^1, …`: `count` of them. */
function powers(ratios: readonly number[], count: number): number[][] {
  return Array.from({ length: count }, (_, k) => ratios.map((ratio) => ratio ** k));
}

/** Solves a small square system by elimination with row exchange. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) pivot = i;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let i = 0; i < n; i++) {
      if (i === column) continue;
      const factor = rows[i][column] / rows[column][column];
      for (let j = column; j <= n; j++) rows[i][j] -= factor * rows[column][j];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}
