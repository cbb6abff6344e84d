import type { Runtime } from './runtime.js';
import type { UploadedBlock, UploadedSegment } from './upload.js';

/** A kernel that follows positions, and how many columns it takes at a time. */
export interface Product {
  readonly nr: number;
  readonly run: (...args: number[]) => void;
}

/** The f32 kernel for groups of `mr` rows. A single row can take 32 columns or 16; which is faster depends on the engine. */
export function floatProduct({ kernels, isa }: Runtime, mr: 1 | 2 | 4, singleRowColumns: 16 | 32 = 16): Product {
  const nr = mr === 1 ? singleRowColumns : 32 / mr;
  const format = mr === 1 ? 'csr' : 'block';
  return { nr, run: kernels[`f32_spmm_${format}_${mr}x${nr}__${isa}`] };
}

const denseProduct = ({ kernels, isa }: Runtime): Product => ({ nr: 8, run: kernels[`f32_spmm_dense_4x8__${isa}`] });

/** Where a block's columns and results are. */
export interface Place {
  /** Window, and bytes between the vectors of a tile in it. */
  readonly b: number;
  readonly vectorB: number;
  /** Results of output row 0, bytes between rows and between the vectors of a tile. */
  readonly c: number;
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
  for (const segment of segments) {
    const { mr, row, groups, rowPtr, offsets, values, isDense } = segment;
    const { b, vectorB, c, rowC, vectorC, step } = place;
    // Nothing is left out and the channels are evenly spaced: a tenth faster without a list.
    const withoutList = isDense && mr === 4 && step !== undefined;
    const { nr, run } = withoutList ? denseProduct(runtime) : floatProduct(runtime, mr);
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

/** Columns that the widest kernel of these segments takes at a time. */
export function widestColumns(segments: readonly Pick<UploadedSegment, 'mr'>[]): number {
  return Math.max(...segments.map(({ mr }) => (mr === 4 ? 8 : 16)));
}
