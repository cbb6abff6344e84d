import { type Json, type Masks, sparsityOf } from '@secateur/core';
import { type LossTerm, termNames } from './losses/loss-terms.js';
import type { WeightMask } from './masks/weight-mask.js';
import type { Parameter } from './parameters.js';
import type { Series } from './series.js';

/** What a training was and how it went; plain JSON. */
export interface TrainReport {
  /** Everything that decided the run's numbers. */
  readonly settings: Json;
  /** Weights trained, in elements. */
  readonly trained: number;
  /** Of every step. */
  readonly losses: readonly number[];
  readonly learningRates: readonly number[];
  /** Before clipping. */
  readonly gradientNorms: readonly number[];
  /** Losses by term, before their weights. */
  readonly terms: readonly { readonly name: string; readonly weight: number; readonly losses: readonly number[] }[];
  /** With masks: share of mask bits that changed before every step. */
  readonly maskFlips?: readonly number[];
  readonly masks?: MasksReport;
  /** Measured since the start or the last resume. */
  readonly measured: {
    readonly engine: string;
    readonly seconds: number;
    readonly imagesPerSecond: number;
    /** Masks, clipping, optimiser and average together. */
    readonly updateSeconds: number;
  };
  /** Step of the checkpoint it went on from. */
  readonly resumedFrom?: number;
}

/** What was masked and what was not. */
export interface MasksReport {
  readonly name: string;
  /** Share of zeros, by checkpoint name. */
  readonly sparsity: Readonly<Record<string, number>>;
  /** Weights of two or more axes that were trained without a mask, and why. */
  readonly dense: readonly { readonly tensor: string; readonly reason: string }[];
}

export interface TrainReportInput {
  readonly settings: Json;
  readonly terms: readonly LossTerm[];
  readonly series: Series;
  readonly masks: MasksReport | undefined;
  /** Made in this process. */
  readonly steps: number;
  readonly imagesPerStep: number;
  readonly seconds: number;
  readonly updateSeconds: number;
  readonly resumedFrom: number | undefined;
  readonly trained: number;
  readonly engine: string;
}

export function trainReport(input: TrainReportInput): TrainReport {
  const { settings, terms, series, seconds, updateSeconds, resumedFrom, trained, engine } = input;
  return {
    settings,
    trained,
    losses: series.losses,
    learningRates: series.learningRates,
    gradientNorms: series.gradientNorms,
    terms: termNames(terms).map((name, i) => ({ name, weight: terms[i].weight, losses: series.termLosses(i) })),
    ...(input.masks && { maskFlips: series.maskFlips, masks: input.masks }),
    measured: { engine, seconds, imagesPerSecond: (input.steps * input.imagesPerStep) / seconds, updateSeconds },
    ...(resumedFrom !== undefined && { resumedFrom }),
  };
}

export function masksReport(rule: WeightMask, parameters: readonly Parameter[], masks: Masks): MasksReport {
  const dense = parameters.filter(({ name, shape }) => shape.length > 1 && !masks.has(name));
  return {
    name: rule.name,
    sparsity: Object.fromEntries([...masks].map(([name, mask]) => [name, sparsityOf(mask)])),
    dense: dense.map((parameter) => ({
      tensor: parameter.name,
      reason: rule.whyDense?.(parameter) ?? 'it has no mask',
    })),
  };
}
