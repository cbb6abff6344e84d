/**
 * What a pruned model has and its configuration cannot say. Keys are module paths, e.g.
 * `mid_block.attentions.0` or `down_blocks.0.resnets.1.norm1`.
 */
export interface Overrides {
  /** Attention heads that are left. */
  readonly heads?: Readonly<Record<string, number>>;
  /** Attention scale; by default `headDim ** -0.5` of the head dimension that the configuration gives. */
  readonly scale?: Readonly<Record<string, number>>;
  /** Norm groups of a GroupNorm. */
  readonly normGroups?: Readonly<Record<string, number>>;
  /**
   * Removed modules. A removed residual block passes its input on, through its shortcut convolution where it has one; a
   * removed attention passes its input on. What either divides its sum by, it divides by still. A removed up block stands
   * for its stage: the down block of that size goes as well, what leads into it, and the middle.
   */
  readonly removed?: readonly string[];
  /** Those of the removed modules that pass on the part of their input that is no skip, and have no shortcut any more. */
  readonly passed?: readonly string[];
  /** Linears that compute some of their outputs alone; the others are zero. */
  readonly outputs?: Readonly<Record<string, ComputedOutputs>>;
}

/** Which of a linear's outputs are computed. */
export interface ComputedOutputs {
  /** Number of outputs, zeros included. */
  readonly width: number;
  /** Ranges of those that are computed: `[[0, 3], [7, 8]]` are 0, 1, 2 and 7. */
  readonly kept: readonly (readonly [number, number])[];
}

export function isEmptyOverrides(overrides: Overrides): boolean {
  const { heads = {}, scale = {}, normGroups = {}, removed = [], passed = [], outputs = {} } = overrides;
  const isEmpty = (entries: object) => Object.keys(entries).length === 0;
  return [heads, scale, normGroups, outputs].every(isEmpty) && removed.length === 0 && passed.length === 0;
}
