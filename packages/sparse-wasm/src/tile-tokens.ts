/** 48 tokens of 128 channels are 24 KiB, which leaves a first-level cache of 32 KiB room for the weights that pass by. */
const best = 48;

/**
 * Tokens a tile: near the best, and so that the last tile is not much narrower than the others, because it reads all weights for
 * the few columns it has. Few tokens are one tile.
 *
 * @param multiple  columns that the widest kernel takes at a time
 * @param most  tokens that a tile may have, at least `multiple`
 * @returns a multiple of `multiple`
 */
export function tileTokens(tokens: number, multiple: number, most = 80): number {
  const largest = Math.floor(most / multiple) * multiple;
  if (tokens <= largest) return Math.ceil(tokens / multiple) * multiple;
  let chosen = largest;
  let least = Number.POSITIVE_INFINITY;
  for (let tile = Math.min(64, largest); tile >= Math.min(40, largest); tile -= multiple) {
    // A tile a third off the best costs some 2 % (measured); what the last one lacks costs at most its share.
    const cost = (Math.ceil(tokens / tile) * tile) / tokens + (0.06 * Math.abs(tile - best)) / best;
    if (cost < least) [least, chosen] = [cost, tile];
  }
  return chosen;
}
