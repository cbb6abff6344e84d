import { float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';

/** A coefficient and what it multiplies. */
export type Term = readonly [coefficient: number, tensor: Tensor];

/**
 * The sum of coefficients times tensors of one shape, added in double and rounded to float32 once.
 *
 * @throws {SecateurError} SHAPE_MISMATCH when two tensors differ in size
 */
export function combine(...terms: readonly Term[]): Tensor {
  const [coefficient, { shape }] = terms[0];
  const first = toFloat32(terms[0][1]);
  const total = new Float64Array(first.length);
  for (let i = 0; i < total.length; i++) total[i] = coefficient * first[i];
  for (const [factor, tensor] of terms.slice(1)) {
    const data = toFloat32(tensor);
    if (data.length !== total.length) {
      throw new SecateurError('SHAPE_MISMATCH', `Cannot add [${tensor.shape}] to [${shape}].`);
    }
    // A coefficient of zero may stand before a value that overflowed: 0 * Infinity must not become NaN.
    if (factor === 0) continue;
    for (let i = 0; i < total.length; i++) total[i] += factor * data[i];
  }
  return float32(shape, Float32Array.from(total));
}

/** `sample [batch, ...]` scaled and added per sample: `a[b] * x[b] + c[b] * y[b]`. */
export function combinePerSample(a: readonly number[], x: Tensor, c: readonly number[], y: Tensor): Tensor {
  const first = toFloat32(x);
  const second = toFloat32(y);
  if (first.length !== second.length) {
    throw new SecateurError('SHAPE_MISMATCH', `Cannot add [${y.shape}] to [${x.shape}].`);
  }
  const out = new Float32Array(first.length);
  const size = out.length / a.length;
  for (let b = 0; b < a.length; b++) {
    for (let i = b * size; i < (b + 1) * size; i++) {
      out[i] = Math.fround(a[b] * first[i]) + Math.fround(c[b] * second[i]);
    }
  }
  return float32(x.shape, out);
}
