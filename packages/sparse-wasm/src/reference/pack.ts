import { silu } from './functions.js';
import type { ReferenceKernel, ReferenceMemory } from './memory.js';

/** Writes `value(plane, y, x)` of the picture, zero outside, to every element of a window; `place` gives its address. */
function window(
  { f32 }: ReferenceMemory,
  [, dstPlane, dstRow, , , planes, height, width, y0, x0, h, w]: readonly number[],
  value: (plane: number, y: number, x: number) => number,
  place: (at: number, x: number) => number = (at, x) => at + 4 * x,
  dst = 0,
): void {
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const inside = y0 + y >= 0 && y0 + y < height && x0 + x >= 0 && x0 + x < width;
        f32[place(dst + k * dstPlane + y * dstRow, x) / 4] = inside ? value(k, y0 + y, x0 + x) : 0;
      }
    }
  }
}

const packWindow: ReferenceKernel = (memory, ...args) => {
  const [dst, , , src, srcPlane, , , width] = args;
  const value = (k: number, y: number, x: number) => memory.f32[(src + k * srcPlane) / 4 + y * width + x];
  window(memory, args, value, undefined, dst);
};

const packWindowAffine: ReferenceKernel = (memory, ...args) => {
  const { f32 } = memory;
  const [dst, , , src, srcPlane, , , width, , , , , scale, shift, act] = args;
  const value = (k: number, y: number, x: number) => {
    const v = f32[(src + k * srcPlane) / 4 + y * width + x] * f32[scale / 4 + k] + f32[shift / 4 + k];
    return act ? silu(v) : v;
  };
  window(memory, args, value, undefined, dst);
};

const packWindowUpsample2: ReferenceKernel = (memory, ...args) => {
  const [dst, , , src, srcPlane, , , width] = args;
  const value = (k: number, y: number, x: number) =>
    memory.f32[(src + k * srcPlane) / 4 + (y >> 1) * (width >> 1) + (x >> 1)];
  window(memory, args, value, undefined, dst);
};

const packWindowStride2: ReferenceKernel = (memory, ...args) => {
  const [dst, , , src, srcPlane, , , width, , , , , odd] = args;
  const value = (k: number, y: number, x: number) => memory.f32[(src + k * srcPlane) / 4 + y * width + x];
  const place = (row: number, x: number) => row + (x & 1 ? odd : 0) + 4 * (x >> 1);
  window(memory, args, value, place, dst);
};

const copyWindow: ReferenceKernel = ({ f32 }, dst, dstPlane, dstRow, src, srcPlane, srcRow, planes, h, w) => {
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        f32[(dst + k * dstPlane + y * dstRow) / 4 + x] = f32[(src + k * srcPlane + y * srcRow) / 4 + x];
      }
    }
  }
};

/** dst `[ceil(rows / 4)][k][4]`; `rowStep` and `kStep` are the source's strides in bytes. */
function pack4(
  { f32 }: ReferenceMemory,
  dst: number,
  src: number,
  [rowStep, kStep]: [number, number],
  rows: number,
  k: number,
  scale: number,
): void {
  for (let row = 0; row < Math.ceil(rows / 4) * 4; row++) {
    for (let i = 0; i < k; i++) {
      const value = row < rows ? f32[(src + row * rowStep + i * kStep) / 4] * Math.fround(scale) : 0;
      f32[dst / 4 + ((row >> 2) * k + i) * 4 + (row & 3)] = value;
    }
  }
}

const packRows4: ReferenceKernel = (memory, dst, src, srcRow, rows, k, scale) =>
  pack4(memory, dst, src, [srcRow, 4], rows, k, scale);
const packColumns4: ReferenceKernel = (memory, dst, src, srcRow, rows, k, scale) =>
  pack4(memory, dst, src, [4, srcRow], rows, k, scale);

/** Half to even, as WebAssembly rounds. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/**
 * Columns to integers. Rounded in f32 at every step like the kernel: the integers must be equal, since one that differs is an
 * error of a whole level.
 */
function quantise(memory: ReferenceMemory, depth: 2 | 4, levels: number, zero: number, args: readonly number[]): void {
  const [dst, dstRow, src, srcRow, k, columns, columnScale] = args;
  const { f32 } = memory;
  for (let t = 0; t < columns; t++) {
    let largest = 0;
    for (let i = 0; i < k; i++) largest = Math.max(largest, Math.abs(f32[(src + i * srcRow) / 4 + t]));
    const inverse = largest > 0 ? Math.fround(levels / largest) : 0;
    f32[columnScale / 4 + t] = largest * Math.fround(1 / levels);
    for (let i = 0; i < Math.ceil(k / depth) * depth; i++) {
      const value = i < k ? roundHalfEven(Math.fround(f32[(src + i * srcRow) / 4 + t] * inverse)) : 0;
      const at = dst + Math.floor(i / depth) * dstRow + 4 * t + (i % depth) * (4 / depth);
      if (depth === 2) memory.i16[at / 2] = value;
      else memory.u8[at] = value + zero;
    }
  }
}

const packPairI16: ReferenceKernel = (memory, ...args) => quantise(memory, 2, 2047, 0, args);
const packQuadU7: ReferenceKernel = (memory, ...args) => quantise(memory, 4, 63, 64, args);

export const pack: Readonly<Record<string, ReferenceKernel>> = {
  f32_pack_window__simd: packWindow,
  f32_pack_window_affine__simd: packWindowAffine,
  f32_pack_window_upsample2__simd: packWindowUpsample2,
  f32_pack_window_stride2__simd: packWindowStride2,
  f32_copy_window__simd: copyWindow,
  f32_pack_rows4__simd: packRows4,
  f32_pack_columns4__simd: packColumns4,
  f32_pack_pair_i16__simd: packPairI16,
  f32_pack_quad_u7__simd: packQuadU7,
};
