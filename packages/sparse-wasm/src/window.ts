import { SparseWasmError } from './errors.js';
import type { RunOptions, Source } from './layer.js';
import type { Runtime } from './runtime.js';

/** How a layer reads its input: pictures of height x width, enlarged twice or not, and where their pixels go in scratch. */
export interface WindowLayout {
  /** Size of the pictures that the convolution sees, after any enlargement. */
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  /** Bytes between channels and between rows in scratch. */
  readonly plane: number;
  readonly row: number;
  /** Rows and columns of the window. */
  readonly rows: number;
  readonly columns: number;
  /** Stride 2: bytes from a row's even columns to its odd ones. */
  readonly odd?: number;
  readonly upsample?: boolean;
}

/**
 * Packs channels [first, first + count) of a window from (y0, x0) into `scratch`, each source as far as it reaches, with the affine
 * and the SiLU of the options.
 */
export function packWindow(
  { kernels }: Runtime,
  layout: WindowLayout,
  sources: readonly Source[],
  image: number,
  [first, count]: readonly [number, number],
  [y0, x0]: readonly [number, number],
  scratch: number,
  { affine, silu }: RunOptions,
  rows: number = layout.rows,
  columns: number = layout.columns,
): void {
  const { height, width, inputs, plane, row, odd, upsample } = layout;
  const planeBytes = upsample ? height * width : 4 * height * width;
  let base = 0;
  for (const { at, channels } of sources) {
    const from = Math.max(first, base);
    const n = Math.min(first + count, base + channels) - from;
    if (n > 0) {
      const dst = scratch + (from - first) * plane;
      const src = at + (image * channels + from - base) * planeBytes;
      if (affine) {
        const scale = affine + 4 * (2 * image * inputs + from);
        const last = [scale, scale + 4 * inputs, silu ? 1 : 0];
        kernels.f32_pack_window_affine__simd(
          dst,
          plane,
          row,
          src,
          planeBytes,
          n,
          height,
          width,
          y0,
          x0,
          rows,
          columns,
          ...last,
        );
      } else if (odd !== undefined) {
        kernels.f32_pack_window_stride2__simd(
          dst,
          plane,
          row,
          src,
          planeBytes,
          n,
          height,
          width,
          y0,
          x0,
          rows,
          columns,
          odd,
        );
      } else {
        const pack = upsample ? kernels.f32_pack_window_upsample2__simd : kernels.f32_pack_window__simd;
        pack(dst, plane, row, src, planeBytes, n, height, width, y0, x0, rows, columns);
      }
    }
    base += channels;
  }
}

/** @throws {SparseWasmError} BAD_OPTION for an affine on what is enlarged or strided, which no kernel does */
export function checkWindowOptions({ upsample, odd }: WindowLayout, { affine }: RunOptions): void {
  if (!affine || !(upsample || odd !== undefined)) return;
  throw new SparseWasmError('BAD_OPTION', 'An affine cannot be fused with stride 2 or with upsampling.', {
    field: 'affine',
    hint: 'Apply it with f32_affine_planes first.',
  });
}
