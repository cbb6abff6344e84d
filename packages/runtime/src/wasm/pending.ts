import type { LayerRequest } from './layer-request.js';
import type { ConstantValue } from './values.js';
import type { View } from './view.js';

/** What a layer reads: planes `[batch][channels][pixels]`, one source after the other in channels, and what is done on the way in. */
export interface LayerInput {
  readonly sources: readonly View[];
  /** `[batch][2][channels]`: a scale and a shift of every channel. */
  readonly affine?: View;
  readonly silu?: boolean;
  /** Enlarged twice by nearest neighbour. */
  readonly upsample?: boolean;
}

/** A layer's result, which may still take up what follows: bias, time embedding, residual. */
export interface PendingProduct {
  readonly kind: 'product';
  readonly label: string;
  readonly layer: LayerRequest;
  readonly input: LayerInput;
  readonly batch: number;
  readonly outputs: number;
  /** Pixels or tokens of a channel. */
  readonly pixels: number;
  /** Constants `[outputs]` whose sum is the bias. */
  biases: ConstantValue[];
  /** `[batch][outputs]`, added as well. */
  imageBias?: View;
  /** Laid out like the result. */
  residual?: View;
}

/** Planes times a scale plus a shift of every channel: a GroupNorm, whose next layer applies it while it reads. */
export interface PendingAffine {
  readonly kind: 'affine';
  readonly label: string;
  readonly input: LayerInput;
}

/** Several tensors one after the other along an axis. */
export interface PendingConcat {
  readonly kind: 'concat';
  readonly label: string;
  readonly parts: readonly View[];
  readonly axis: number;
  /** The result, whole. */
  readonly order: readonly number[];
}

export interface PendingEnlargement {
  readonly kind: 'enlargement';
  readonly label: string;
  /** `[batch, channels, height, width]`, dense. */
  readonly source: View;
}

/** `q k` times a scale, and its softmax along the last axis: attention computes neither as a tensor. */
export interface PendingScores {
  readonly kind: 'scores';
  readonly label: string;
  /** `[..., queries, channels]` */
  readonly q: View;
  /** `[..., channels, keys]` */
  readonly k: View;
  readonly scale: number;
  readonly softmax: boolean;
}

export type Pending = PendingProduct | PendingAffine | PendingConcat | PendingEnlargement | PendingScores;
