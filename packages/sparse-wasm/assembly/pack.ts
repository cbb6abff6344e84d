// Copies into scratch: a window of many planes laid out densely, with zeros where it hangs over the border, so that the product
// kernels see no borders, no strides and no cache-set conflicts of power-of-two planes.
//
// A window is `planes` x h rows x w columns from (y0, x0), which may be negative or beyond height x width. Source rows follow one
// another without gaps. Pointers and strides are in bytes, everything else in elements.
import { silu4 } from './math';

export function f32_pack_window__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPlane: i32, planes: i32, height: i32, width: i32,
  y0: i32, x0: i32, h: i32, w: i32,
): void {
  const left = min(w, max(0, -x0));
  const right = max(left, min(w, width - x0));
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      const d = dst + k * dstPlane + y * dstRow;
      const row = y0 + y;
      if (row < 0 || row >= height) {
        zero(d, 0, w);
        continue;
      }
      const s = src + k * srcPlane + ((row * width + x0) << 2);
      zero(d, 0, left);
      let x = left;
      for (; x + 4 <= right; x += 4) v128.store(d + (x << 2), v128.load(s + (x << 2)));
      for (; x < right; x++) store<f32>(d + (x << 2), load<f32>(s + (x << 2)));
      zero(d, right, w);
    }
  }
}

// @ts-ignore: decorator
@inline
function zero(row: usize, from: i32, to: i32): void {
  for (let x = from; x < to; x++) store<f32>(row + (x << 2), 0);
}

/** The same of act(src * scale[plane] + shift[plane]): a normalisation fused with its convolution. The border stays zero. */
export function f32_pack_window_affine__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPlane: i32, planes: i32, height: i32, width: i32,
  y0: i32, x0: i32, h: i32, w: i32, scale: usize, shift: usize, silu: i32,
): void {
  const left = min(w, max(0, -x0));
  const right = max(left, min(w, width - x0));
  for (let k = 0; k < planes; k++) {
    const m = v128.load32_splat(scale + (<usize>k << 2));
    const o = v128.load32_splat(shift + (<usize>k << 2));
    for (let y = 0; y < h; y++) {
      const d = dst + k * dstPlane + y * dstRow;
      const row = y0 + y;
      if (row < 0 || row >= height) {
        zero(d, 0, w);
        continue;
      }
      const s = src + k * srcPlane + ((row * width + x0) << 2);
      zero(d, 0, left);
      let x = left;
      if (silu) {
        for (; x + 4 <= right; x += 4) v128.store(d + (x << 2), silu4(f32x4.add(f32x4.mul(v128.load(s + (x << 2)), m), o)));
        for (; x < right; x++) {
          const v = silu4(f32x4.add(f32x4.mul(v128.load32_splat(s + (x << 2)), m), o));
          store<f32>(d + (x << 2), f32x4.extract_lane(v, 0));
        }
      } else {
        for (; x + 4 <= right; x += 4) v128.store(d + (x << 2), f32x4.add(f32x4.mul(v128.load(s + (x << 2)), m), o));
        for (; x < right; x++) {
          const v = f32x4.add(f32x4.mul(v128.load32_splat(s + (x << 2)), m), o);
          store<f32>(d + (x << 2), f32x4.extract_lane(v, 0));
        }
      }
      zero(d, right, w);
    }
  }
}

/** A window of the planes enlarged twice by nearest neighbour. height and width are those of the enlarged planes, both even. */
export function f32_pack_window_upsample2__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPlane: i32, planes: i32, height: i32, width: i32,
  y0: i32, x0: i32, h: i32, w: i32,
): void {
  const left = min(w, max(0, -x0));
  const right = max(left, min(w, width - x0));
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      const d = dst + k * dstPlane + y * dstRow;
      const row = y0 + y;
      if (row < 0 || row >= height) {
        zero(d, 0, w);
        continue;
      }
      const s = src + k * srcPlane + (((row >> 1) * (width >> 1)) << 2);
      zero(d, 0, left);
      for (let x = left; x < right; x++) store<f32>(d + (x << 2), load<f32>(s + (((x0 + x) >> 1) << 2)));
      zero(d, right, w);
    }
  }
}

/**
 * For stride 2: each row as its even columns, then, `odd` bytes further, its odd ones, counted from x0. Then every tap of a
 * stride-2 kernel reads neighbours. w counts columns before they are parted.
 */
export function f32_pack_window_stride2__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPlane: i32, planes: i32, height: i32, width: i32,
  y0: i32, x0: i32, h: i32, w: i32, odd: i32,
): void {
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      const d = dst + k * dstPlane + y * dstRow;
      const row = y0 + y;
      const inside = row >= 0 && row < height;
      const s = src + k * srcPlane + ((row * width + x0) << 2);
      let x = 0;
      while (x < w) {
        if (inside && x0 + x >= 0 && x0 + x + 8 <= width && x + 8 <= w) {
          const a = v128.load(s + (x << 2)), b = v128.load(s + (x << 2), 16);
          v128.store(d + (x << 1), v128.shuffle<f32>(a, b, 0, 2, 4, 6));
          v128.store(d + odd + (x << 1), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
          x += 8;
          continue;
        }
        // Two at a time, so that x stays even and the vectors can take over.
        for (const stop = min(x + 2, w); x < stop; x++) {
          const column = x0 + x;
          const value = inside && column >= 0 && column < width ? load<f32>(s + (x << 2)) : <f32>0;
          store<f32>(d + (x & 1 ? odd : 0) + ((x >> 1) << 2), value);
        }
      }
    }
  }
}

/** `planes` x h rows of w elements from one layout to another. */
export function f32_copy_window__simd(
  dst: usize, dstPlane: i32, dstRow: i32, src: usize, srcPlane: i32, srcRow: i32, planes: i32, h: i32, w: i32,
): void {
  for (let k = 0; k < planes; k++) {
    for (let y = 0; y < h; y++) {
      const d = dst + k * dstPlane + y * dstRow;
      const s = src + k * srcPlane + y * srcRow;
      let x = 0;
      for (; x + 4 <= w; x += 4) v128.store(d + (x << 2), v128.load(s + (x << 2)));
      for (; x < w; x++) store<f32>(d + (x << 2), load<f32>(s + (x << 2)));
    }
  }
}

/** Left side of a product: src `[rows][k]` times scale as dst `[rows / 4][k][4]`, missing rows zero. */
export function f32_pack_rows4__simd(dst: usize, src: usize, srcRow: i32, rows: i32, k: i32, scale: f32): void {
  for (let r = 0; r < rows; r += 4) {
    const p = src + r * srcRow;
    const n = min(4, rows - r);
    for (let i = 0; i < k; i++, dst += 16) {
      for (let j = 0; j < 4; j++) store<f32>(dst + (j << 2), j < n ? load<f32>(p + j * srcRow + (i << 2)) * scale : 0);
    }
  }
}

/** Left side of a product from its transpose: src `[k][rows]` times scale as dst `[rows / 4][k][4]`, missing rows zero. */
export function f32_pack_columns4__simd(dst: usize, src: usize, srcRow: i32, rows: i32, k: i32, scale: f32): void {
  const m = f32x4.splat(scale);
  for (let r = 0; r < rows; r += 4) {
    let p = src + (<usize>r << 2);
    if (r + 4 <= rows) {
      for (let i = 0; i < k; i++, dst += 16, p += srcRow) v128.store(dst, f32x4.mul(v128.load(p), m));
    } else {
      for (let i = 0; i < k; i++, dst += 16, p += srcRow) {
        for (let j = 0; j < 4; j++) store<f32>(dst + (j << 2), r + j < rows ? load<f32>(p + (j << 2)) * scale : 0);
      }
    }
  }
}
