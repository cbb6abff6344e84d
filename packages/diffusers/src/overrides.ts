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
   * removed attention passes its input on.
   */
  readonly removed?: readonly string[];
}

export function isEmptyOverrides(overrides: Overrides): boolean {
  const { heads = {}, scale = {}, normGroups = {}, removed = [] } = overrides;
  return [heads, scale, normGroups].every((entries) => Object.keys(entries).length === 0) && removed.length === 0;
}
