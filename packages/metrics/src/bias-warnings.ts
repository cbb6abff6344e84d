/** Pictures per feature behind published FIDs: 50,000 for 2,048 features. */
const PUBLISHED_PER_FEATURE = 50_000 / 2_048;

/** What is wrong with a Fréchet distance of so few pictures, if anything. */
export function frechetWarning(count: number, dims: number, side: string): string | undefined {
  if (count <= dims) {
    return `Fréchet distance of ${count} ${side} with ${dims} features: their covariance has at most rank ${count - 1}, and the distance is far too large. Use kid, or more than ${dims} pictures.`;
  }
  const usual = Math.ceil(PUBLISHED_PER_FEATURE * dims);
  if (count >= usual) return undefined;
  return `Fréchet distance of ${count} ${side} with ${dims} features is biased upwards: compare it only with others of that count. Published ones rest on 24 pictures a feature, ${usual} here; kid has no such bias.`;
}
