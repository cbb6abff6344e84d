import { SecateurError, type Tensor, toFloat32 } from '@secateur/graph';

/**
 * `max|a - b| / max(max|b|, floor)`, where `b` is what is right. Two tensors of zeros agree.
 * @throws {SecateurError} SHAPE_MISMATCH, naming both shapes
 */
export function relativeError(name: string, a: Tensor, b: Tensor, floor = 0): number {
  if (a.shape.join() !== b.shape.join()) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `${name} is [${a.shape.join(', ')}]; the golden file has [${b.shape.join(', ')}].`,
      { field: name },
    );
  }
  const left = toFloat32(a);
  const right = toFloat32(b);
  let largest = 0;
  for (let i = 0; i < left.length; i++) {
    const difference = Math.abs(left[i]! - right[i]!);
    // NaN compares as neither larger nor smaller: it must not pass unseen.
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  const scale = Math.max(largestMagnitude(b), floor);
  return largest === 0 ? 0 : largest / scale;
}

/** `max|x|`; 0 for an empty tensor. */
export function largestMagnitude(tensor: Tensor): number {
  let largest = 0;
  for (const value of toFloat32(tensor)) largest = Math.max(largest, Math.abs(value));
  return largest;
}
