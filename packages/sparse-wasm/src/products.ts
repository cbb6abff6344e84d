import type { GroupRows } from './analyse.js';
import type { PackedWeights } from './packed-weights.js';
import type { Runtime } from './runtime.js';
import type { UploadedBlock } from './upload.js';

/** Columns that the kernels of a layer take at a time, by the rows that share positions. */
export type KernelColumns = Readonly<Record<GroupRows, number>>;

/**
 * A layer of single rows takes what is fastest here; where single rows are only what is left over at the end, they must not widen
 * the tiles.
 */
export function kernelColumns(runtime: Runtime, { mr }: PackedWeights): KernelColumns {
  return { 4: 8, 2: 16, 1: mr === 1 ? runtime.singleRowColumns() : 16 };
}

/** Columns that the widest kernel of a layer takes at a time. */
export function widestColumns(columns: KernelColumns, segments: readonly { mr: GroupRows }[]): number {
  return Math.max(...segments.map(({ mr }) => columns[mr]));
}

/** Where a block's columns and results are. */
export interface Place {
  readonly columns: KernelColumns;
  /** Window, and bytes between the vectors of a tile in it. */
  b: number;
  readonly vectorB: number;
  /** Results of output row 0, bytes between rows and between the vectors of a tile. */
  c: number;
  readonly rowC: number;
  readonly vectorC: number;
  /** Pointwise products: bytes between the window's channels. */
  readonly step?: number;
  /** Table of tiles for kernels of `nr` columns: pointer and number. */
  tiles(nr: number): readonly [pointer: number, count: number];
}

/**
 * Runs one block of input channels over all rows.
 * @param start  where the sums begin, laid out like `c`: 0 for zero
 * @param bias  f32 `[outputs]` or 0
 */
export function runBlock(
  runtime: Runtime,
  { segments }: UploadedBlock,
  place: Place,
  start: number,
  bias: number,
): void {
  const { b, vectorB, c, rowC, vectorC, step } = place;
  for (const segment of segments) {
    const { mr, row, groups, rowPtr, offsets, values, isDense } = segment;
    // Nothing is left out and the channels are evenly spaced: a tenth faster without a list.
    const withoutList = isDense && mr === 4 && step !== undefined;
    const nr = place.columns[mr];
    const run = withoutList ? runtime.products.dense : runtime.products[mr === 1 && nr === 32 ? 'wide' : mr];
    const [tiles, count] = place.tiles(nr);
    const shift = row * rowC;
    const [from, add] = [start && start + shift, bias && bias + 4 * row];
    run(
      rowPtr,
      withoutList ? step : offsets,
      values,
      groups,
      b,
      vectorB,
      tiles,
      count,
      c + shift,
      rowC,
      vectorC,
      from,
      add,
    );
  }
}
