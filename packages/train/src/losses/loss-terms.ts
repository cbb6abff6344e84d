import { SecateurError } from '@secateur/graph';
import { checkRange } from '../check-range.js';

/** Mean squared distance to what a perfect model would say: plain training. */
export interface DenoisingLoss {
  readonly kind: 'denoising';
  /** Factor in the total, >= 0. */
  readonly weight: number;
  /** Whether only elements under the data's `mask` count: sum over them divided by how many they are. */
  readonly masked: boolean;
}

/** Mean squared distance to the teacher's output. */
export interface OutputLoss {
  readonly kind: 'output';
  readonly weight: number;
  readonly masked: boolean;
}

/** Mean squared distance to the teacher's activations inside the model, summed over the places named. */
export interface FeatureLoss {
  readonly kind: 'features';
  readonly weight: number;
  /**
   * Module paths, `*` standing for any characters: `down_blocks.*`. `STUDENT=TEACHER` where names differ. Default: the ends
   * of the stages.
   */
  readonly at?: readonly string[];
  /** Whether every place's distance is divided by the mean square of the teacher's activations there. */
  readonly normalized: boolean;
}

/**
 * Mean squared distance of the guided outputs `u + w * (c - u)`, student's to teacher's, `w` drawn evenly from `scale` for
 * every sample; `u` is the output without condition. Doubles the batch.
 */
export interface GuidedLoss {
  readonly kind: 'guided';
  readonly weight: number;
  readonly scale: readonly [least: number, most: number];
}

export type LossTerm = DenoisingLoss | OutputLoss | FeatureLoss | GuidedLoss;

export function denoising(weight = 1, options: { masked?: boolean } = {}): DenoisingLoss {
  return { kind: 'denoising', weight, masked: options.masked ?? false };
}

export function outputDistillation(weight = 1, options: { masked?: boolean } = {}): OutputLoss {
  return { kind: 'output', weight, masked: options.masked ?? false };
}

/**
 * Feature distillation. `normalized` (LAPTOP-Diff, 2404.11098) makes every term a relative error, with no gradient through
 * the teacher's norm, so that stages with large activations do not drown the others; without it, BK-SDM's (2305.15798).
 */
export function featureDistillation(
  options: { weight?: number; at?: readonly string[]; normalized?: boolean } = {},
): FeatureLoss {
  const { weight = 1, at, normalized = false } = options;
  return { kind: 'features', weight, at, normalized };
}

/** CFG-aware distillation (SnapFusion, 2306.00980). */
export function guidedDistillation(options: { weight?: number; scale?: readonly [number, number] } = {}): GuidedLoss {
  return { kind: 'guided', weight: options.weight ?? 1, scale: options.scale ?? [2, 14] };
}

export function needsTeacher(terms: readonly LossTerm[]): boolean {
  return terms.some(({ kind }) => kind !== 'denoising');
}

/** Names of the terms for reports, unique. */
export function termNames(terms: readonly LossTerm[]): string[] {
  return terms.map(({ kind }, i) => {
    const before = terms.slice(0, i).filter((term) => term.kind === kind).length;
    return before === 0 ? kind : `${kind} ${before + 1}`;
  });
}

/** @throws {SecateurError} BAD_OPTION */
export function checkTerms(terms: readonly LossTerm[]): void {
  if (terms.length === 0 || terms.every(({ weight }) => weight === 0)) {
    throw new SecateurError('BAD_OPTION', 'There is no loss with a weight above 0.', { field: 'losses' });
  }
  for (const term of terms) {
    checkRange(`losses.${term.kind}.weight`, term.weight, 0);
    if (term.kind !== 'guided') continue;
    checkRange('losses.guided.scale', term.scale[0], 0);
    checkRange('losses.guided.scale', term.scale[1], term.scale[0]);
  }
}
