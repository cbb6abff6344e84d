import type { Parameter, Values } from '../parameters.js';
import type { WeightMask } from './weight-mask.js';

/** The masks of a run and the weights the model computes with. Arrays are allocated once. */
export interface MaskedWeights {
  /** Masked weights by constant; others are the parameters themselves. */
  readonly effective: Values;
  readonly masks: ReadonlyMap<string, Uint8Array>;
  /** Rebuilds the masks, where they follow the weights, and the masked weights. Returns the share of mask bits changed. */
  refresh(step: number): number;
  /** Takes up the masks of a checkpoint, so that the next refresh counts what changes since. */
  restore(saved: ReadonlyMap<string, Uint8Array>): void;
  /** What the gradient of the masked model means for the weights: in place. */
  adjust(gradients: Values): void;
  /** After an update: masked weights that must stay zero are zero. */
  settle(): void;
  /** `values` under masks made from them, for export, and those masks, both by constant. */
  applied(values: Values, step: number): { values: Map<string, Float32Array>; masks: Map<string, Uint8Array> };
}

/** @throws {SecateurError} SHAPE_MISMATCH when masks and weights differ in size */
export function maskedWeights(
  rule: WeightMask | undefined,
  parameters: readonly Parameter[],
  values: Values,
): MaskedWeights {
  const covered = rule ? parameters.filter((parameter) => rule.covers(parameter)) : [];
  const masks = new Map(covered.map(({ value }) => [value, new Uint8Array(values.get(value)!.length)]));
  const effective = new Map(values);
  // Under fixed masks the weights themselves are zero where masked.
  const isApart = rule?.straightThrough ?? false;
  if (isApart) for (const name of masks.keys()) effective.set(name, new Float32Array(values.get(name)!.length));
  const total = [...masks.values()].reduce((sum, { length }) => sum + length, 0);
  const longest = [...masks.values()].reduce((most, { length }) => Math.max(most, length), 0);
  const scratch = new Uint8Array(longest);
  let isFresh = true;
  return {
    effective,
    masks,
    refresh(step) {
      if (!rule) return 0;
      let flips = 0;
      for (const parameter of covered) {
        const mask = masks.get(parameter.value)!;
        const w = values.get(parameter.value)!;
        if (rule.refresh || isFresh) {
          const next = scratch.subarray(0, mask.length);
          rule.write(parameter, w, next, step);
          for (let i = 0; i < mask.length; i++) flips += mask[i] ^ next[i];
          mask.set(next);
        }
        const masked = effective.get(parameter.value)!;
        for (let i = 0; i < mask.length; i++) masked[i] = mask[i] === 1 ? w[i] : 0;
      }
      const share = isFresh || total === 0 ? 0 : flips / total;
      isFresh = false;
      return share;
    },
    restore(saved) {
      for (const [name, mask] of masks) mask.set(saved.get(name)!);
      isFresh = false;
    },
    adjust(gradients) {
      if (!rule) return;
      for (const [name, mask] of masks) {
        const g = gradients.get(name)!;
        const w = values.get(name)!;
        if (rule.straightThrough) for (let i = 0; i < mask.length; i++) g[i] += rule.decay * (1 - mask[i]) * w[i];
        else for (let i = 0; i < mask.length; i++) if (mask[i] === 0) g[i] = 0;
      }
    },
    settle() {
      if (isApart) return;
      for (const [name, mask] of masks) {
        const w = values.get(name)!;
        for (let i = 0; i < mask.length; i++) if (mask[i] === 0) w[i] = 0;
      }
    },
    applied(from, step) {
      const out = new Map(from);
      const used = new Map<string, Uint8Array>();
      for (const parameter of covered) {
        const source = from.get(parameter.value)!;
        const mask = new Uint8Array(source.length);
        rule!.write(parameter, source, mask, step);
        out.set(
          parameter.value,
          source.map((value, i) => (mask[i] === 1 ? value : 0)),
        );
        used.set(parameter.value, mask);
      }
      return { values: out, masks: used };
    },
  };
}
