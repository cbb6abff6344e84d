import { costOf, countKept } from '@secateur/core';
import { countMacs, sizeOf } from '@secateur/graph';

/**
 * Parameters that are not zero, MACs of one picture without those of zeros, and bytes (of masked weights: their values and one
 * bit for each place).
 */
export function effectiveCost(model, masks = new Map()) {
  const { parameters, macs, bytes } = costOf(model);
  const { byScope } = countMacs(model.graph, { symbols: { ...model.sizes, batch: 1 } });
  const saved = { parameters: 0, macs: 0, bytes: 0 };
  for (const [name, mask] of masks) {
    const size = sizeOf(mask.shape);
    const zeros = size - countKept(mask);
    const scope = name.replace(/\.weight$/, '');
    if (!byScope.has(scope)) throw new Error(`${name} is masked, but no operator of ${scope} counts its MACs.`);
    saved.parameters += zeros;
    saved.macs += (byScope.get(scope).weights * zeros) / size;
    saved.bytes += 4 * zeros - Math.ceil(size / 8);
  }
  return {
    parameters: parameters - saved.parameters,
    macs: macs - saved.macs,
    bytes: bytes - saved.bytes,
  };
}
