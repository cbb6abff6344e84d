import type { ConvolutionGeometry } from './convolution.js';
import { type Layer, type RunOptions, type Source, sourcesOf } from './layer.js';
import { freeAll, tileTables } from './owned-memory.js';
import type { PackedWeights } from './packed-weights.js';
import { kernelColumns, type Place, runBlock, widestColumns } from './products.js';
import type { Runtime } from './runtime.js';
import { uploadWeights } from './upload.js';
import { checkWindowOptions, packWindow, type WindowLayout } from './window.js';

/** Pixels a tile, at most 8 x 8; a kernel takes 4 columns of as many rows as it has vectors. */
const most = 8;

/** Bytes of a block's window: the first-level cache, less what weights and results need. */
const windowBytes = 20 * 1024;

/**
 * A convolution without a transform: a tile's window, halo included, of a block of channels is packed densely, and the kernels read
 * every tap of it at its offset.
 */
export function directConvolution(runtime: Runtime, packed: PackedWeights, geometry: ConvolutionGeometry): Layer {
  const { arena, kernels } = runtime;
  const { inputs, outputs, kernel, segments } = packed;
  const { height, width, outHeight, outWidth, batch, stride, top, left, upsample } = geometry;
  const small = outHeight <= 4;
  const columnsAtATime = small ? { 4: 8, 2: 16, 1: 16 } : kernelColumns(runtime, packed);
  /** Rows that the kernel with the most vectors takes: one vector of 4 pixels each. */
  const vectors = widestColumns(columnsAtATime, segments) / 4;
  const tileRows = Math.min(most, Math.ceil(outHeight / vectors) * vectors);
  const tileColumns = outWidth <= 4 ? 4 : most;

  const rows = (tileRows - 1) * stride + kernel[0];
  const columns = (tileColumns - 1) * stride + kernel[1];
  const row = 4 * columns;
  const plane = row * rows;
  const odd = stride === 2 ? 4 * Math.ceil(columns / 2) : undefined;
  const layout: WindowLayout = { height, width, inputs, plane, row, rows, columns, odd, upsample };
  // A multiple of 8, so that a source of so many channels rarely ends within a block.
  const perBlock = Math.min(inputs, Math.max(8, Math.floor(windowBytes / plane / 8) * 8));

  const before = arena.usedBytes;
  const owned: number[] = [];
  const offsetOf = (channel: number, tap: number): number => {
    const [dy, dx] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    const column = odd === undefined ? dx : (dx & 1 ? odd / 4 : 0) + (dx >> 1);
    return (channel * plane + dy * row) / 4 + column;
  };
  const blocks = uploadWeights(arena, packed, perBlock, offsetOf, owned);
  const bias = packed.bias ? arena.upload(packed.bias) : 0;
  if (bias) owned.push(bias);

  const rowB = row * stride;
  const spillRow = 4 * tileColumns;
  const spillPlane = spillRow * tileRows;
  const tables = tileTables(arena, owned, (key) => {
    const [nr, nRows, nColumns] = [key % 64, Math.floor(key / 64) % 64, Math.floor(key / 4096) % 64];
    const rowC = key >= 262144 ? 4 * outWidth : spillRow;
    const pairs: [number, number][] = [];
    for (let y = 0; y < nRows; y += nr / 4) {
      for (let x = 0; x < nColumns; x += 4) pairs.push([y * rowB + 4 * x, y * rowC + 4 * x]);
    }
    return pairs;
  });
  const planeBytes = 4 * outHeight * outWidth;
  const block0 = perBlock * plane;

  function runTile(
    sources: readonly Source[],
    y: number,
    options: RunOptions,
    [image, y0, x0]: readonly [number, number, number],
    add: number,
  ): void {
    const window = runtime.scratch(block0 + 64 + outputs * spillPlane);
    const spill = window + block0 + 64;
    const nRows = Math.min(tileRows, outHeight - y0);
    const nColumns = Math.min(tileColumns, outWidth - x0);
    const at = image * outputs * planeBytes + 4 * (y0 * outWidth + x0);
    // What hangs over the border goes to scratch and is copied from there.
    const isWhole = nRows % vectors === 0 && nColumns % 4 === 0;
    const [c, rowC, vectorC] = isWhole ? [y + at, planeBytes, 4 * outWidth] : [spill, spillPlane, spillRow];
    const [paddedRows, paddedColumns] = [Math.ceil(nRows / vectors) * vectors, Math.ceil(nColumns / 4) * 4];
    const place: Place = {
      columns: columnsAtATime,
      b: window,
      vectorB: rowB,
      c,
      rowC,
      vectorC,
      tiles: (nr) => tables(nr + 64 * paddedRows + 4096 * paddedColumns + (isWhole ? 262144 : 0)),
    };
    let start = 0;
    if (options.residual) {
      start = isWhole ? options.residual + at : spill;
      if (!isWhole) {
        const source = options.residual + at;
        kernels.f32_copy_window__simd(
          spill,
          spillPlane,
          spillRow,
          source,
          planeBytes,
          4 * outWidth,
          outputs,
          nRows,
          nColumns,
        );
      }
    }
    const from = [y0 * stride - top, x0 * stride - left] as const;
    for (const [k, block] of blocks.entries()) {
      packWindow(runtime, layout, sources, image, [block.first, block.count], from, window, options);
      runBlock(runtime, block, place, k ? c : start, k ? 0 : add);
    }
    if (isWhole) return;
    kernels.f32_copy_window__simd(
      y + at,
      planeBytes,
      4 * outWidth,
      spill,
      spillPlane,
      spillRow,
      outputs,
      nRows,
      nColumns,
    );
  }

  function run(x: Source | readonly Source[], y: number, options: RunOptions = {}): void {
    const sources = sourcesOf(x, inputs, options);
    checkWindowOptions(layout, options);
    for (let image = 0; image < batch; image++) {
      const add = options.bias ? options.bias + 4 * image * outputs : bias;
      for (let y0 = 0; y0 < outHeight; y0 += tileRows) {
        for (let x0 = 0; x0 < outWidth; x0 += tileColumns) runTile(sources, y, options, [image, y0, x0], add);
      }
    }
  }

  return {
    algorithm: 'direct',
    bytes: arena.usedBytes - before,
    outputSize: batch * outputs * outHeight * outWidth,
    run,
    free: () => freeAll(arena, owned),
  };
}
