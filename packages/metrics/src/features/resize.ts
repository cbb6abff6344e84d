/** How pixels between pixels are found; both look at more of them when making pictures smaller, as Pillow does. */
export type ResizeFilter = 'bilinear' | 'bicubic';

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Distance beyond which a filter is zero, and its value. Bicubic with a = -1/2, as Pillow's. */
const filters: Record<ResizeFilter, { readonly reach: number; at(x: number): number }> = {
  bilinear: { reach: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { reach: 2, at: (x) => cubic(Math.abs(x)) },
};

/**
 * Planes of one size resized so that they cover another, and cut to its middle. Antialiased: as Pillow resizes floating-point
 * pictures.
 *
 * @param planes  [planes, from.height, from.width]
 * @returns [planes, to.height, to.width]
 */
export function resizePlanes(planes: Float32Array, from: Size, to: Size, filter: ResizeFilter): Float32Array {
  const scale = Math.max(to.height / from.height, to.width / from.width);
  const covered = {
    height: Math.max(to.height, Math.round(from.height * scale)),
    width: Math.max(to.width, Math.round(from.width * scale)),
  };
  const rows = contributions(from.height, covered.height, to.height, filter);
  const columns = contributions(from.width, covered.width, to.width, filter);
  const count = planes.length / (from.height * from.width);
  const out = new Float32Array(count * to.height * to.width);
  const across = new Float64Array(from.height * to.width);
  for (let p = 0; p < count; p++) {
    const source = p * from.height * from.width;
    for (let y = 0; y < from.height; y++) {
      for (const [x, { first, weights }] of columns.entries()) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * planes[source + y * from.width + first + k];
        across[y * to.width + x] = sum;
      }
    }
    const target = p * to.height * to.width;
    for (const [y, { first, weights }] of rows.entries()) {
      for (let x = 0; x < to.width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * across[(first + k) * to.width + x];
        out[target + y * to.width + x] = sum;
      }
    }
  }
  return out;
}

/** Old pixels that make up a new one. */
interface Contribution {
  readonly first: number;
  readonly weights: Float64Array;
}

/** For the middle `kept` of `to` new pixels. */
function contributions(from: number, to: number, kept: number, name: ResizeFilter): Contribution[] {
  const filter = filters[name];
  const ratio = from / to;
  const stretch = Math.max(1, ratio);
  const cut = Math.floor((to - kept) / 2);
  return Array.from({ length: kept }, (_, i) => {
    const centre = (i + cut + 0.5) * ratio;
    const first = Math.max(0, Math.floor(centre - filter.reach * stretch + 0.5));
    const last = Math.min(from, Math.floor(centre + filter.reach * stretch + 0.5));
    const weights = Float64Array.from({ length: last - first }, (_, k) =>
      filter.at((first + k + 0.5 - centre) / stretch),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
