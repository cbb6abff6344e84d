import { requireWhole, SparseWasmError } from './errors.js';
import { type Layer, type RunOptions, type Source, sourcesOf } from './layer.js';
import { integerLinear } from './linear-integer.js';
import { freeAll, rowTables } from './owned-memory.js';
import type { PackedWeights } from './packed-weights.js';
import { kernelColumns, type Place, runBlock, widestColumns } from './products.js';
import type { Runtime } from './runtime.js';
import { tileTokens } from './tile-tokens.js';
import { uploadWeights } from './upload.js';
import { packWindow, type WindowLayout } from './window.js';

export interface LinearOptions {
  /** Tokens of one batch entry, or pixels for a pointwise convolution. */
  tokens: number;
  /** Default 1. */
  batch?: number;
}

const channelsPerBlock = 128;

/**
 * A linear layer over tokens, channel-major: x `[batch][inputs][tokens]`, y `[batch][outputs][tokens]`. The same as a 1x1
 * convolution over `tokens` pixels.
 *
 * @throws {SparseWasmError} BAD_SHAPE; BAD_OPTION when the weights are eight-bit and the engine has no such products; OUT_OF_MEMORY
 */
export function createLinear(runtime: Runtime, packed: PackedWeights, { tokens, batch = 1 }: LinearOptions): Layer {
  requireWhole('tokens', tokens, 1, 2 ** 26);
  requireWhole('batch', batch, 1, 4096);
  const [height, width] = packed.kernel;
  if (height * width > 1) {
    throw new SparseWasmError('BAD_SHAPE', `A linear layer cannot have a kernel of ${height} x ${width}.`, {
      hint: 'Use createConvolution.',
    });
  }
  return packed.type === 'f32'
    ? floatLinear(runtime, packed, tokens, batch)
    : integerLinear(runtime, packed, tokens, batch);
}

function floatLinear(runtime: Runtime, packed: PackedWeights, tokens: number, batch: number): Layer {
  const { arena, kernels } = runtime;
  const { inputs, outputs } = packed;
  const columnsAtATime = kernelColumns(runtime, packed);
  const widest = widestColumns(columnsAtATime, packed.segments);
  const tile = tileTokens(tokens, widest);
  const row = 4 * tile;
  const before = arena.usedBytes;
  const owned: number[] = [];
  const blocks = uploadWeights(arena, packed, channelsPerBlock, (channel) => channel * tile, owned);
  const bias = packed.bias ? arena.upload(packed.bias) : 0;
  if (bias) owned.push(bias);
  const tables = rowTables(arena, owned);
  const layout: WindowLayout = { height: 1, width: tokens, inputs, plane: row, row, rows: 1, columns: tile };
  const windowBytes = Math.min(channelsPerBlock, inputs) * row;

  function run(x: Source | readonly Source[], y: number, options: RunOptions = {}): void {
    const sources = sourcesOf(x, inputs, options);
    const window = runtime.scratch(windowBytes + outputs * row);
    const spill = window + windowBytes;
    for (let image = 0; image < batch; image++) {
      const add = options.bias ? options.bias + 4 * image * outputs : bias;
      for (let t = 0; t < tokens; t += tile) {
        const columns = Math.min(tile, tokens - t);
        const padded = Math.ceil(columns / widest) * widest;
        const at = 4 * (image * outputs * tokens + t);
        // What hangs over the end goes to scratch and is copied from there.
        const isWhole = padded === columns;
        const [c, rowC] = isWhole ? [y + at, 4 * tokens] : [spill, row];
        let start = 0;
        if (options.residual) {
          start = isWhole ? options.residual + at : spill;
          if (!isWhole) {
            kernels.f32_copy_window__simd(spill, row, row, options.residual + at, 4 * tokens, 0, outputs, 1, columns);
          }
        }
        const place: Place = {
          columns: columnsAtATime,
          b: window,
          vectorB: 16,
          step: row,
          c,
          rowC,
          vectorC: 16,
          tiles: (nr) => tables(nr, padded / nr),
        };
        for (const [k, block] of blocks.entries()) {
          packWindow(runtime, layout, sources, image, [block.first, block.count], [0, t], window, options, 1, padded);
          runBlock(runtime, block, place, k ? c : start, k ? 0 : add);
        }
        if (!isWhole) kernels.f32_copy_window__simd(y + at, 4 * tokens, 0, spill, row, row, outputs, 1, columns);
      }
    }
  }

  return {
    algorithm: 'direct',
    bytes: arena.usedBytes - before,
    outputSize: batch * outputs * tokens,
    run,
    free: () => freeAll(arena, owned),
  };
}
