import type { Dim } from '../dim.js';
import type { Macs, MacsContext } from '../op-record.js';

/** Weights when one operand is a constant, products when both are activations. */
export function macsOf(context: MacsContext, count: Dim): Macs {
  const isWeight = context.isConstant(0) || context.isConstant(1);
  return isWeight ? { weights: count, products: 0 } : { weights: 0, products: count };
}
