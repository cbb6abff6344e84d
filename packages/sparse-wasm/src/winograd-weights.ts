import { type PackedWeights, type Segment, worthNoList } from './packed-weights.js';
import { type WinogradSize, winogradMatrices } from './winograd-matrices.js';

/**
 * G w G^T of every 3x3 kernel: one set of pointwise weights for each of the (m + 2)^2 positions of a tile. A kernel that is
 * zero in all rows of a group stays out, unless nearly none is; of others all positions are kept, even where a few come out as zero. The lists of
 * positions are the same for all and shared.
 *
 * @param packed  f32, 3x3
 */
export function transformWeights(packed: PackedWeights, m: WinogradSize): PackedWeights[] {
  const n = m + 2;
  const segments = packed.segments.map((segment) => transformSegment(segment, packed.inputs, m));
  return Array.from({ length: n * n }, (_, p) => ({
    ...packed,
    kernel: [1, 1] as const,
    bias: undefined,
    segments: segments.map((positions) => positions[p]),
  }));
}

function transformSegment(
  { mr, row, groups, rowPtr, index, values }: Segment,
  inputs: number,
  m: WinogradSize,
): Segment[] {
  const n = m + 2;
  const { G } = winogradMatrices[m];
  const pointers = new Uint32Array(groups + 1);
  let channels: number[] = [];
  for (let g = 0; g < groups; g++) {
    let last = -1;
    for (let p = rowPtr[g]; p < rowPtr[g + 1]; p++) {
      const channel = Math.floor(index[p] / 9);
      if (channel !== last) channels.push(channel);
      last = channel;
    }
    pointers[g + 1] = channels.length;
  }
  if (mr === 4 && channels.length >= worthNoList * groups * inputs) {
    channels = Array.from({ length: groups * inputs }, (_, i) => i % inputs);
    for (let g = 0; g <= groups; g++) pointers[g] = g * inputs;
  }
  const shared = Uint16Array.from(channels);
  const transformed = Array.from({ length: n * n }, () => new Float32Array(channels.length * mr));
  const kernel = new Float64Array(9);
  const half = new Float64Array(3 * n);
  for (let g = 0; g < groups; g++) {
    let p = rowPtr[g];
    for (let q = pointers[g]; q < pointers[g + 1]; q++) {
      const first = p;
      while (p < rowPtr[g + 1] && Math.floor(index[p] / 9) === channels[q]) p++;
      for (let r = 0; r < mr; r++) {
        kernel.fill(0);
        for (let i = first; i < p; i++) kernel[index[i] % 9] = values[i * mr + r];
        for (let i = 0; i < n; i++) {
          for (let b = 0; b < 3; b++) {
            half[3 * i + b] = G[i][0] * kernel[b] + G[i][1] * kernel[3 + b] + G[i][2] * kernel[6 + b];
          }
        }
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            transformed[i * n + j][q * mr + r] =
              half[3 * i] * G[j][0] + half[3 * i + 1] * G[j][1] + half[3 * i + 2] * G[j][2];
          }
        }
      }
    }
  }
  return transformed.map((list) => ({ mr, row, groups, rowPtr: pointers, index: shared, values: list }));
}
