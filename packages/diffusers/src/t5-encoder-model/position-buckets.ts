/**
 * T5's buckets of relative positions, for both directions: near ones have a bucket each, farther ones share buckets whose
 * sizes grow with the logarithm of the distance, and the last holds all beyond `maxDistance`. Each step is rounded to
 * float32, as PyTorch does: buckets begin at whole powers, where rounding decides.
 *
 * @returns buckets of the positions `-maxDistance` to `maxDistance` of a key, seen from its query
 */
export function positionBuckets(buckets: number, maxDistance: number): number[] {
  const half = Math.floor(buckets / 2);
  const near = Math.floor(half / 2);
  const f = Math.fround;
  const bucketOf = (distance: number): number => {
    if (distance < near) return distance;
    const share = f(f(Math.log(f(distance / near))) / f(Math.log(maxDistance / near)));
    return Math.min(half - 1, near + Math.trunc(f(share * (half - near))));
  };
  return Array.from({ length: 2 * maxDistance + 1 }, (_, i) => {
    const position = i - maxDistance;
    return (position > 0 ? half : 0) + bucketOf(Math.abs(position));
  });
}
