import { SecateurError } from '@secateur/graph';
import { type Bitmap, sameSize } from './bitmap.js';

export interface GridOptions {
  /** Pictures in a row. Default: the square root of their number, rounded up. */
  readonly columns?: number;
  /** Pixels between pictures. Default 2. */
  readonly gap?: number;
  /** Value of the gaps and of places left over, 0..255 in every channel. Default 255. */
  readonly background?: number;
}

/**
 * Pictures side by side, row by row.
 *
 * @throws {SecateurError} BAD_DATA when there are none, SHAPE_MISMATCH when two differ in size, BAD_OPTION when columns or gap
 *   is no count
 */
export function gridOf(bitmaps: readonly Bitmap[], options: GridOptions = {}): Bitmap {
  const { width, height, channels } = sameSize(bitmaps);
  const { columns = Math.ceil(Math.sqrt(bitmaps.length)), gap = 2, background = 255 } = options;
  checkCount('columns', columns, 1);
  checkCount('gap', gap, 0);
  const across = Math.min(columns, bitmaps.length);
  const down = Math.ceil(bitmaps.length / columns);
  const gridWidth = across * width + (across - 1) * gap;
  const gridHeight = down * height + (down - 1) * gap;
  const data = new Uint8Array(gridWidth * gridHeight * channels).fill(background);
  for (const [n, bitmap] of bitmaps.entries()) {
    const left = (n % columns) * (width + gap);
    const top = Math.floor(n / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      const row = bitmap.data.subarray(y * width * channels, (y + 1) * width * channels);
      data.set(row, ((top + y) * gridWidth + left) * channels);
    }
  }
  return { width: gridWidth, height: gridHeight, channels, data };
}

function checkCount(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min) return;
  throw new SecateurError('BAD_OPTION', `${name} is ${value}; it must be a whole number of at least ${min}.`, {
    field: name,
  });
}
