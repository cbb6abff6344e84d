// Functions of every element. `n` is in elements and need not be a multiple of 4; dst may be src. Pointers and strides are in
// bytes everywhere.
import { gelu4, geluTanh4, silu4 } from './math';

/** One lane in, one lane out, for what is left after the vectors. */
// @ts-ignore: decorator
@inline
function put(dst: usize, value: v128): void {
  store<f32>(dst, f32x4.extract_lane(value, 0));
}

/** dst = a + b */
export function f32_add__simd(dst: usize, a: usize, b: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, a += 16, b += 16) v128.store(dst, f32x4.add(v128.load(a), v128.load(b)));
  for (; dst < end; dst += 4, a += 4, b += 4) store<f32>(dst, load<f32>(a) + load<f32>(b));
}

/** dst = a * b */
export function f32_mul__simd(dst: usize, a: usize, b: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, a += 16, b += 16) v128.store(dst, f32x4.mul(v128.load(a), v128.load(b)));
  for (; dst < end; dst += 4, a += 4, b += 4) store<f32>(dst, load<f32>(a) * load<f32>(b));
}

export function f32_silu__simd(dst: usize, src: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, silu4(v128.load(src)));
  for (; dst < end; dst += 4, src += 4) put(dst, silu4(v128.load32_splat(src)));
}

/** The exact GELU, by erf. */
export function f32_gelu__simd(dst: usize, src: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, gelu4(v128.load(src)));
  for (; dst < end; dst += 4, src += 4) put(dst, gelu4(v128.load32_splat(src)));
}

export function f32_gelu_tanh__simd(dst: usize, src: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, geluTanh4(v128.load(src)));
  for (; dst < end; dst += 4, src += 4) put(dst, geluTanh4(v128.load32_splat(src)));
}

/** dst = a * gelu(gate), exact GELU */
export function f32_geglu__simd(dst: usize, a: usize, gate: usize, n: i32): void {
  const end = dst + (<usize>n << 2);
  for (; dst + 16 <= end; dst += 16, a += 16, gate += 16) v128.store(dst, f32x4.mul(v128.load(a), gelu4(v128.load(gate))));
  for (; dst < end; dst += 4, a += 4, gate += 4) put(dst, f32x4.mul(v128.load32_splat(a), gelu4(v128.load32_splat(gate))));
}

/** dst[plane] = act(src[plane] * scale[plane] + shift[plane]); planes of n elements, one after the other. act: SiLU or nothing. */
export function f32_affine_planes__simd(dst: usize, src: usize, planes: i32, n: i32, scale: usize, shift: usize, silu: i32): void {
  for (let k = 0; k < planes; k++) {
    const m = v128.load32_splat(scale + (<usize>k << 2));
    const s = v128.load32_splat(shift + (<usize>k << 2));
    const end = dst + (<usize>n << 2);
    if (silu) {
      for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, silu4(f32x4.add(f32x4.mul(v128.load(src), m), s)));
      for (; dst < end; dst += 4, src += 4) put(dst, silu4(f32x4.add(f32x4.mul(v128.load32_splat(src), m), s)));
    } else {
      for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, f32x4.add(f32x4.mul(v128.load(src), m), s));
      for (; dst < end; dst += 4, src += 4) put(dst, f32x4.add(f32x4.mul(v128.load32_splat(src), m), s));
    }
  }
}

/** Planes of height x width, each pixel twice in both directions: dst planes are 2 height x 2 width. */
export function f32_resize_nearest2__simd(dst: usize, src: usize, planes: i32, height: i32, width: i32): void {
  const rowBytes = <usize>width << 3;
  for (let row = 0; row < planes * height; row++) {
    const start = dst;
    let x = 0;
    for (; x + 4 <= width; x += 4, src += 16, dst += 32) {
      const v = v128.load(src);
      v128.store(dst, v128.shuffle<f32>(v, v, 0, 0, 1, 1));
      v128.store(dst, v128.shuffle<f32>(v, v, 2, 2, 3, 3), 16);
    }
    for (; x < width; x++, src += 4, dst += 8) {
      const v = load<f32>(src);
      store<f32>(dst, v);
      store<f32>(dst, v, 4);
    }
    memory.copy(dst, start, rowBytes);
    dst += rowBytes;
  }
}
