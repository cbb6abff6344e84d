import { sandwich, type WinogradSize, winogradMatrices } from '../winograd-matrices.js';
import type { ReferenceKernel } from './memory.js';

function inputTransform(m: WinogradSize): ReferenceKernel {
  const n = m + 2;
  return ({ f32, i32 }, dst, dstPosition, dstChannel, src, srcPlane, srcRow, channels, tiles, vectors) => {
    for (let k = 0; k < channels; k++) {
      for (let t = 0; t < 4 * vectors; t++) {
        const at = src + k * srcPlane + i32[tiles / 4 + t];
        const tile = Float64Array.from(
          { length: n * n },
          (_, i) => f32[(at + Math.floor(i / n) * srcRow) / 4 + (i % n)],
        );
        const values = sandwich(winogradMatrices[m].BT, tile);
        for (let p = 0; p < n * n; p++) f32[(dst + p * dstPosition + k * dstChannel) / 4 + t] = values[p];
      }
    }
  };
}

function outputTransform(m: WinogradSize): ReferenceKernel {
  const n = m + 2;
  return (
    { f32, i32 },
    dst,
    dstPlane,
    dstRow,
    src,
    srcPosition,
    srcChannel,
    channels,
    tiles,
    vectors,
    bias,
    residual,
  ) => {
    for (let k = 0; k < channels; k++) {
      for (let t = 0; t < 4 * vectors; t++) {
        const products = Float64Array.from(
          { length: n * n },
          (_, p) => f32[(src + p * srcPosition + k * srcChannel) / 4 + t],
        );
        const values = sandwich(winogradMatrices[m].AT, products);
        for (let i = 0; i < m * m; i++) {
          const offset = k * dstPlane + i32[tiles / 4 + t] + Math.floor(i / m) * dstRow + 4 * (i % m);
          const more = residual ? f32[(residual + offset) / 4] : 0;
          f32[(dst + offset) / 4] = values[i] + (bias ? f32[bias / 4 + k] : 0) + more;
        }
      }
    }
  };
}

export const winograd: Readonly<Record<string, ReferenceKernel>> = {
  f32_winograd_input_f2__simd: inputTransform(2),
  f32_winograd_input_f4__simd: inputTransform(4),
  f32_winograd_output_f2__simd: outputTransform(2),
  f32_winograd_output_f4__simd: outputTransform(4),
};
