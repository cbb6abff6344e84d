import type { Feature, ModuleBuilder } from '../module-builder.js';

/**
 * How many of a U-Net's innermost stages are left: a stage was removed when its up block was. Asking declares that all but
 * the first stage may be.
 *
 * @param count  stages by the configuration
 */
export function stagesLeft(m: ModuleBuilder, count: number): number {
  let left = count;
  for (let i = 0; i < count - 1; i++) {
    const isGone = m.at(`up_blocks.${i}`, () => m.isRemoved());
    if (isGone && left === count - i) left--;
  }
  return left;
}

/**
 * The middle of a U-Net, where there is one left. It can be removed as a whole where nothing in it divides its sums: then
 * its layers leave nothing behind.
 *
 * @param outputScale  what the layers in it divide their sums by
 */
export function middle(m: ModuleBuilder, x: Feature, outputScale: number, write: () => Feature): Feature {
  return m.at('mid_block', () => (outputScale === 1 && m.isRemoved() ? x : write()));
}
