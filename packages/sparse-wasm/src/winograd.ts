import type { ConvolutionGeometry } from './convolution.js';
import { type Layer, type RunOptions, type Source, sourcesOf } from './layer.js';
import { freeAll, rowTables } from './owned-memory.js';
import type { PackedWeights } from './packed-weights.js';
import { kernelColumns, type Place, runBlock, widestColumns } from './products.js';
import type { Runtime } from './runtime.js';
import { type UploadedBlock, uploadWeights } from './upload.js';
import { checkWindowOptions, packWindow, type WindowLayout } from './window.js';
import type { WinogradSize } from './winograd-matrices.js';
import { transformWeights } from './winograd-weights.js';

/** Tiles at a time, as columns of the products. More only where one row has more. */
const mostTiles = 64;

/** Bytes of a block's columns: half a first-level cache, since weights stream through it. */
const blockBytes = 16 * 1024;

/** Keeps planes of one product off the same cache sets. */
const skew = 192;

/**
 * Rows of tiles that are computed together: `rows` of them from `row` on, in one image. A chunk is some strips, so that small
 * pictures of a batch fill the columns together.
 */
interface Strip {
  readonly image: number;
  readonly row: number;
  readonly rows: number;
}

/** Winograd's F(m x m, 3 x 3): fewer multiplications, for more memory; masks of whole kernels stay zeros. */
export function winogradConvolution(
  runtime: Runtime,
  packed: PackedWeights,
  geometry: ConvolutionGeometry,
  m: WinogradSize,
): Layer {
  const { arena, kernels } = runtime;
  const { inputs, outputs, segments } = packed;
  const { height, width, outHeight, outWidth, batch, top, left, upsample } = geometry;
  const n = m + 2;
  const across = Math.ceil(outWidth / m);
  const down = Math.ceil(outHeight / m);
  const columnsAtATime = kernelColumns(runtime, packed);
  const widest = widestColumns(columnsAtATime, segments);
  const chunks = chunksOf(batch, down, Math.max(1, Math.floor(mostTiles / across)));
  const mostRows = Math.max(...chunks.map((strips) => strips.reduce((sum, { rows }) => sum + rows, 0)));
  const columns = Math.ceil((mostRows * across) / widest) * widest;

  const perBlock = Math.min(128, Math.max(32, Math.floor(blockBytes / (64 * columns)) * 16));
  const before = arena.usedBytes;
  const owned: number[] = [];
  const products: UploadedBlock[][] = [];
  for (const position of transformWeights(packed, m)) {
    const offsetOf = (channel: number): number => channel * columns;
    products.push(uploadWeights(arena, position, perBlock, offsetOf, owned, products[0]));
  }
  const bias = packed.bias ? arena.upload(packed.bias) : 0;
  if (bias) owned.push(bias);
  const tables = rowTables(arena, owned);

  // Padded input of a chunk: its strips below one another, each with a halo of its own.
  const mostStrips = Math.max(...chunks.map((strips) => strips.length));
  const row = 4 * (across * m + 2);
  const plane = row * (mostRows * m + 2 * mostStrips) + skew;
  const layout: WindowLayout = { height, width, inputs, plane, row, rows: 0, columns: across * m + 2, upsample };
  const channel = 4 * columns;
  const [positionIn, positionOut] = [inputs * channel + skew, outputs * channel + skew];
  const outRow = 4 * across * m;
  const outPlane = outRow * mostRows * m;
  const planeBytes = 4 * outHeight * outWidth;
  const fits = outWidth % m === 0 && outHeight % m === 0;

  /** Addresses of a chunk's tiles: in the padded input, in the result, and in a padded result. Missing ones repeat the first. */
  const addresses = new Map<readonly Strip[], { input: number; output: number; padded: number; count: number }>();
  function addressesOf(strips: readonly Strip[]) {
    let known = addresses.get(strips);
    if (!known) {
      const [input, output, padded]: [number[], number[], number[]] = [[], [], []];
      let above = 0;
      for (const [s, strip] of strips.entries()) {
        for (let r = 0; r < strip.rows; r++) {
          for (let x = 0; x < across; x++) {
            input.push((above + r) * m * row + 2 * s * row + 4 * x * m);
            output.push(strip.image * outputs * planeBytes + 4 * ((strip.row + r) * m * outWidth + x * m));
            padded.push((above + r) * m * outRow + 4 * x * m);
          }
        }
        above += strip.rows;
      }
      const count = input.length;
      const upload = (list: number[]): number => {
        while (list.length % widest) list.push(list[0]);
        owned.push(arena.upload(Int32Array.from(list)));
        return owned.at(-1)!;
      };
      known = { input: upload(input), output: upload(output), padded: upload(padded), count };
      addresses.set(strips, known);
    }
    return known;
  }
  for (const strips of chunks) addressesOf(strips);

  function runChunk(sources: readonly Source[], y: number, options: RunOptions, strips: readonly Strip[]): void {
    const sizes = [inputs * plane + 64, n * n * positionIn, n * n * positionOut, 16 * n * n, outputs * outPlane];
    const padded = runtime.scratch(sizes.reduce((sum, size) => sum + size, 0));
    const transformed = padded + sizes[0];
    const sums = transformed + sizes[1];
    const temporary = sums + sizes[2];
    const spill = temporary + sizes[3];

    let above = 0;
    for (const [s, strip] of strips.entries()) {
      const at = padded + (above * m + 2 * s) * row;
      const from = [strip.row * m - top, -left] as const;
      packWindow(runtime, layout, sources, strip.image, [0, inputs], from, at, options, strip.rows * m + 2);
      above += strip.rows;
    }
    const { input, output, padded: inSpill, count } = addressesOf(strips);
    const used = Math.ceil(count / widest) * widest;
    const toInput = m === 2 ? kernels.f32_winograd_input_f2__simd : kernels.f32_winograd_input_f4__simd;
    toInput(transformed, positionIn, channel, padded, plane, row, inputs, input, used / 4, temporary);
    const place: Place = {
      columns: columnsAtATime,
      b: 0,
      vectorB: 16,
      step: channel,
      c: 0,
      rowC: channel,
      vectorC: 16,
      tiles: (nr) => tables(nr, used / nr),
    };
    for (const [p, blocks] of products.entries()) {
      place.c = sums + p * positionOut;
      for (const [k, block] of blocks.entries()) {
        place.b = transformed + p * positionIn + block.first * channel;
        runBlock(runtime, block, place, k ? place.c : 0, 0);
      }
    }
    finish(y, options, strips, { output, inSpill, count, sums, temporary, spill });
  }

  const toOutput = m === 2 ? kernels.f32_winograd_output_f2__simd : kernels.f32_winograd_output_f4__simd;

  /** Back from the transform: in place where all tiles lie inside and fill their vectors, else by way of scratch. */
  function finish(
    y: number,
    options: RunOptions,
    strips: readonly Strip[],
    at: { output: number; inSpill: number; count: number; sums: number; temporary: number; spill: number },
  ): void {
    const { output, inSpill, count, sums, temporary, spill } = at;
    const vectors = Math.ceil(count / 4);
    const residual = options.residual ?? 0;
    const inPlace = (from: number, tiles: number, own: number): void =>
      toOutput(
        y,
        planeBytes,
        4 * outWidth,
        sums + from,
        positionOut,
        channel,
        outputs,
        output + from,
        tiles,
        own,
        residual,
        temporary,
      );
    if (fits && count % 4 === 0 && !options.bias) {
      inPlace(0, vectors, bias);
      return;
    }
    if (fits && options.bias && strips.every(({ rows }) => (rows * across) % 4 === 0)) {
      let from = 0;
      for (const { image, rows } of strips) {
        inPlace(from, (rows * across) / 4, options.bias + 4 * image * outputs);
        from += 4 * rows * across;
      }
      return;
    }
    // A bias for every image is added with the residual below.
    const own = options.bias ? 0 : bias;
    toOutput(spill, outPlane, outRow, sums, positionOut, channel, outputs, inSpill, vectors, own, 0, temporary);
    let above = 0;
    for (const strip of strips) {
      const rows = Math.min(strip.rows * m, outHeight - strip.row * m);
      const from = spill + above * m * outRow;
      const to = strip.image * outputs * planeBytes + 4 * strip.row * m * outWidth;
      above += strip.rows;
      if (!options.residual && !options.bias) {
        kernels.f32_copy_window__simd(
          y + to,
          planeBytes,
          4 * outWidth,
          from,
          outPlane,
          outRow,
          outputs,
          rows,
          outWidth,
        );
        continue;
      }
      addRows(
        y + to,
        from,
        rows,
        options.residual && options.residual + to,
        options.bias && options.bias + 4 * strip.image * outputs,
      );
    }
  }

  /** y = rows of scratch + residual + bias, for the few tiles that cannot be written in place. */
  function addRows(y: number, from: number, rows: number, residual = 0, own = 0): void {
    const floats = new Float32Array(arena.memory.buffer);
    for (let k = 0; k < outputs; k++) {
      const add = own ? floats[own / 4 + k] : 0;
      for (let r = 0; r < rows; r++) {
        const [d, s] = [(k * planeBytes) / 4 + r * outWidth, (from + k * outPlane + r * outRow) / 4];
        for (let i = 0; i < outWidth; i++) {
          floats[y / 4 + d + i] = floats[s + i] + add + (residual ? floats[residual / 4 + d + i] : 0);
        }
      }
    }
  }

  function run(x: Source | readonly Source[], y: number, options: RunOptions = {}): void {
    const sources = sourcesOf(x, inputs, options);
    checkWindowOptions(layout, options);
    for (const strips of chunks) runChunk(sources, y, options, strips);
  }

  return {
    algorithm: m === 2 ? 'winograd-f2' : 'winograd-f4',
    bytes: arena.usedBytes - before,
    outputSize: batch * outputs * outHeight * outWidth,
    run,
    free: () => freeAll(arena, owned),
  };
}

/** All rows of tiles of all images, `most` at a time. */
function chunksOf(batch: number, down: number, most: number): Strip[][] {
  const chunks: Strip[][] = [];
  let current: Strip[] = [];
  let room = most;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < down; ) {
      const rows = Math.min(room, down - row);
      current.push({ image, row, rows });
      row += rows;
      room -= rows;
      if (room === 0) {
        chunks.push(current);
        [current, room] = [[], most];
      }
    }
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
