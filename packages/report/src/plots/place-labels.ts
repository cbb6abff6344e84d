/** A stretch of an axis with a name. */
export interface Band {
  readonly left: number;
  readonly right: number;
  readonly name: string;
}

export interface PlacedLabel extends Band {
  /** Line of text below the axis, from 0. */
  readonly row: number;
}

/** Pixels of one character at the size labels are set in, generously. */
const characterWidth = 6.6;

/**
 * Labels below the middle of their bands, in as many as `rows` lines, none over another. Those without room are left out.
 *
 * @param scale  pixels of one unit of the axis
 * @param length  of the axis, in its units
 */
export function placeLabels(bands: readonly Band[], scale: number, length: number, rows: number): PlacedLabel[] {
  const taken = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY);
  const placed: PlacedLabel[] = [];
  for (const band of bands) {
    const half = (band.name.length * characterWidth) / 2;
    const middle = ((band.left + band.right) / 2) * scale;
    const row = taken.findIndex((end) => end + characterWidth < middle - half);
    const fits = middle + half < length * scale + 16 && middle - half > -44;
    if (row < 0 || !fits) continue;
    taken[row] = middle + half;
    placed.push({ ...band, row });
  }
  return placed;
}
