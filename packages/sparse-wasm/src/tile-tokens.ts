/**
 * Tokens a tile: about 64, since 64 tokens of 128 channels are 32 KiB, a first-level cache. All tiles are about equal, because a
 * narrow one at the end would read all weights for a few columns.
 *
 * @param multiple  columns that the widest kernel takes at a time
 * @param most  tokens that a tile may have; a multiple of `multiple`
 */
export function tileTokens(tokens: number, multiple: number, most = 96): number {
  const tiles = Math.max(1, Math.round(tokens / Math.min(64, most)));
  return Math.min(most, Math.ceil(tokens / tiles / multiple) * multiple);
}
