import { type Factor, semiDefiniteFactor } from './linear-algebra/factor.js';
import type { Moments } from './linear-algebra/moments.js';
import { traceSqrtProduct } from './linear-algebra/trace-sqrt-product.js';

/** A normal distribution made ready to be compared with others. */
export interface Gaussian {
  readonly mean: Float64Array;
  /** [dims, dims] */
  readonly covariance: Float64Array;
  readonly trace: number;
  readonly factor: Factor;
}

/** The normal distribution with these moments. Factoring is the costly part that comparisons share. */
export function gaussianOf(moments: Moments): Gaussian {
  const covariance = moments.covariance();
  const trace = traceOf(covariance, moments.dims);
  return { mean: moments.mean(), covariance, trace, factor: semiDefiniteFactor(covariance, moments.dims) };
}

/**
 * Fréchet distance, squared as everywhere in this field, of two normal distributions:
 *
 *   |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 √(Σ₁ Σ₂))            (Dowson & Landau 1982; Heusel et al. 2017 for pictures)
 *
 * Never negative: what rounding leaves below zero is cut.
 */
export function frechetDistance(moments: Moments, reference: Gaussian): number {
  const { dims } = moments;
  const mean = moments.mean();
  const covariance = moments.covariance();
  let shift = 0;
  for (let i = 0; i < dims; i++) shift += (mean[i] - reference.mean[i]) ** 2;
  const cross = traceSqrtProduct(reference.factor, covariance, dims);
  return Math.max(0, shift + traceOf(covariance, dims) + reference.trace - 2 * cross);
}

function traceOf(matrix: Float64Array, n: number): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += matrix[i * n + i];
  return trace;
}
