/**
 * Tokens a tile: about 48, since 48 tokens of 128 channels are 24 KiB, which leaves a first-level cache of 32 KiB room for the
 * weights that pass by. All tiles are about equal, because a narrow one at the end would read all weights for a few columns.
 *
 * @param multiple  columns that the widest kernel takes at a time
 * @param most  tokens that a tile may have; a multiple of `multiple`
 */
export function tileTokens(tokens: number, multiple: number, most = 80): number {
  const tiles = Math.max(1, Math.round(tokens / Math.min(48, most)));
  return Math.min(most, Math.ceil(tokens / tiles / multiple) * multiple);
}
