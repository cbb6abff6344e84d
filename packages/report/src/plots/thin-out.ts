/** Points of a line beyond which nobody sees a difference at the sizes drawn here. */
const maxPoints = 500;

/** Every n-th point of a line, and always its last, so that no line has more than about 500 points. */
export function thinOut<Point>(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / maxPoints);
  return step <= 1 ? points : points.filter((_, i) => i % step === 0 || i === points.length - 1);
}
