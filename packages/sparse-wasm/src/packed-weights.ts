import type { GroupRows } from './analyse.js';

/** f32; i16 pairs of inputs with 11-bit weights; s8 fours of inputs (relaxed SIMD). */
export type PackedType = 'f32' | 'i16' | 's8';

/** How a 3x3 convolution of stride 1 is computed. */
export type Algorithm = 'direct' | 'winograd-f2' | 'winograd-f4';

/** Rows `row` to `row + groups * mr` of a layer, in groups of `mr` rows with a list of positions each. */
export interface Segment {
  readonly mr: GroupRows;
  /** First output row. */
  readonly row: number;
  readonly groups: number;
  /** `[groups + 1]`: where each group's positions begin. */
  readonly rowPtr: Uint32Array;
  /** `[positions]`, rising within a group: `input * taps + tap`, in units of `depth` inputs for integers. */
  readonly index: Uint16Array | Uint32Array;
  /** `[positions][mr]`, or `[positions][mr][depth]` for integers. */
  readonly values: Float32Array | Int16Array | Int8Array;
}

/** A layer's weights with their zeros left out. Independent of the size of the picture, of stride and of padding. */
export interface PackedWeights {
  readonly type: PackedType;
  readonly outputs: number;
  readonly inputs: number;
  /** `[height, width]` */
  readonly kernel: readonly [number, number];
  /** Shared rows of the main segment; what is left over at the end goes by smaller groups. */
  readonly mr: GroupRows;
  readonly segments: readonly Segment[];
  /** `[outputs]`, added to every result. */
  readonly bias?: Float32Array;
  /** Integers only, `[outputs]`: what one step of a row's weights is worth. */
  readonly rowScale?: Float32Array;
  /** What tuning chose; absent when nothing was measured. */
  readonly algorithm?: Algorithm;
}

/** Inputs that one position holds. */
export const depthOf: Readonly<Record<PackedType, 1 | 2 | 4>> = { f32: 1, i16: 2, s8: 4 };

/**
 * Share of positions from which a pointwise segment of four rows keeps all of them, zeros included: the kernel without a list is
 * a tenth faster.
 */
export const worthNoList = 0.9;

/** Number of positions of a layer, over all segments. */
export function positionsOf({ segments }: PackedWeights): number {
  return segments.reduce((sum, { index }) => sum + index.length, 0);
}

/** The sizes of the segments that `outputs` rows are cut into. */
export function segmentRows(
  outputs: number,
  mr: GroupRows,
  type: PackedType,
): { mr: GroupRows; row: number; groups: number }[] {
  const sizes = type === 'f32' ? ([4, 2, 1] as const).filter((size) => size <= mr) : ([4, 1] as const);
  const cut: { mr: GroupRows; row: number; groups: number }[] = [];
  let row = 0;
  for (const size of sizes) {
    const groups = Math.floor((outputs - row) / size);
    if (groups > 0) cut.push({ mr: size, row, groups });
    row += groups * size;
  }
  return cut;
}
