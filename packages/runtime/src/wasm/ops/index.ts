import { opKey } from '@secateur/graph';
import { attentionOp } from './attention-op.js';
import { binaryLowerings } from './binary.js';
import { concat } from './concat.js';
import { conv } from './conv.js';
import { convTranspose } from './conv-transpose.js';
import { einsum } from './einsum.js';
import { elementwiseLowerings } from './elementwise.js';
import { resize } from './enlarge.js';
import { groupNorm } from './group-norm.js';
import { layerNorm } from './layer-norm.js';
import { matmulLowerings } from './matmul.js';
import type { OpLowering } from './op-lowering.js';
import { plainOps } from './plain.js';
import { softmax } from './softmax.js';
import { swish } from './swish.js';
import { viewLowerings } from './views.js';

/** Operators with kernels, by `domain:op`. */
export const lowerings: ReadonlyMap<string, OpLowering> = new Map(
  [
    attentionOp,
    ...binaryLowerings,
    concat,
    conv,
    convTranspose,
    einsum,
    ...elementwiseLowerings,
    groupNorm,
    layerNorm,
    ...matmulLowerings,
    resize,
    softmax,
    swish,
    ...viewLowerings,
  ].map((lowering) => [opKey(lowering.op, lowering.domain), lowering]),
);

export const isSupported = (key: string): boolean => lowerings.has(key) || plainOps.has(key);

/** Names of all operators that the engine runs, sorted. */
export function supportedOps(): string[] {
  return [...new Set([...lowerings.keys(), ...plainOps])].map((key) => key.replace(/^:/, '')).sort();
}
