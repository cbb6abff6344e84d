import { gelu, geluTanh, silu } from './functions.js';
import type { ReferenceKernel } from './memory.js';

const unary =
  (f: (x: number) => number): ReferenceKernel =>
  ({ f32 }, dst, src, n) => {
    for (let i = 0; i < n; i++) f32[dst / 4 + i] = f(f32[src / 4 + i]);
  };

const binary =
  (f: (a: number, b: number) => number): ReferenceKernel =>
  ({ f32 }, dst, a, b, n) => {
    for (let i = 0; i < n; i++) f32[dst / 4 + i] = f(f32[a / 4 + i], f32[b / 4 + i]);
  };

const affinePlanes: ReferenceKernel = ({ f32 }, dst, src, planes, n, scale, shift, act) => {
  for (let k = 0; k < planes; k++) {
    for (let i = k * n; i < (k + 1) * n; i++) {
      const value = f32[src / 4 + i] * f32[scale / 4 + k] + f32[shift / 4 + k];
      f32[dst / 4 + i] = act ? silu(value) : value;
    }
  }
};

const resizeNearest2: ReferenceKernel = ({ f32 }, dst, src, planes, height, width) => {
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < 2 * height; y++) {
      for (let x = 0; x < 2 * width; x++) {
        f32[dst / 4 + (k * 2 * height + y) * 2 * width + x] = f32[src / 4 + (k * height + (y >> 1)) * width + (x >> 1)];
      }
    }
  }
};

export const elementwise: Readonly<Record<string, ReferenceKernel>> = {
  f32_affine_planes__simd: affinePlanes,
  f32_add__simd: binary((a, b) => a + b),
  f32_mul__simd: binary((a, b) => a * b),
  f32_silu__simd: unary(silu),
  f32_gelu__simd: unary(gelu),
  f32_gelu_tanh__simd: unary(geluTanh),
  f32_geglu__simd: binary((a, gate) => a * gelu(gate)),
  f32_resize_nearest2__simd: resizeNearest2,
};
