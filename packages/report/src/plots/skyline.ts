import * as Plot from '@observablehq/plot';

/**
 * Bars without gaps as one outline, which takes a tenth of the bytes of as many rectangles.
 *
 * @param edges  ascending, `[bars + 1]`
 * @param heights  `[bars]`
 */
export function skyline(edges: readonly number[], heights: readonly number[], fill: string): Plot.Line {
  return Plot.lineY(outline(edges, heights), { x: 'x', y: 'y', curve: 'step-after', fill, stroke: 'none' });
}

/** Corners of the outline, from the ground at the left to the ground at the right; runs of one height have one corner. */
export function outline(edges: readonly number[], heights: readonly number[]): { x: number; y: number }[] {
  const corners = [{ x: edges[0]!, y: 0 }];
  for (const [i, y] of heights.entries()) {
    if (corners[corners.length - 1]!.y !== y) corners.push({ x: edges[i]!, y });
  }
  corners.push({ x: edges[heights.length]!, y: 0 });
  return corners;
}
