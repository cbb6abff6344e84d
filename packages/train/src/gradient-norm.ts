import type { Values } from './parameters.js';

/** L2 norm of all gradients together, summed in double precision in the order of the map. */
export function globalNorm(gradients: Values): number {
  let sum = 0;
  for (const g of gradients.values()) {
    let part = 0;
    for (let i = 0; i < g.length; i++) part += g[i] * g[i];
    sum += part;
  }
  return Math.sqrt(sum);
}

/**
 * Scales the gradients so that their global norm is at most `most`, in place; as PyTorch's `clip_grad_norm_`, which divides
 * by the norm plus 1e-6.
 */
export function clipToNorm(gradients: Values, norm: number, most: number): void {
  const factor = most / (norm + 1e-6);
  if (factor >= 1) return;
  for (const g of gradients.values()) for (let i = 0; i < g.length; i++) g[i] *= factor;
}

/** `total += part`, element by element. */
export function addGradients(total: Values, part: Values): void {
  for (const [name, sum] of total) {
    const g = part.get(name)!;
    for (let i = 0; i < sum.length; i++) sum[i] += g[i];
  }
}
