import { SparseWasmError } from './errors.js';
import { type Layer, type RunOptions, type Source, sourcesOf } from './layer.js';
import { freeAll, rowTables } from './owned-memory.js';
import { depthOf, type PackedWeights } from './packed-weights.js';
import type { Runtime } from './runtime.js';
import { tileTokens } from './tile-tokens.js';
import { uploadWeights } from './upload.js';
import { packWindow, type WindowLayout } from './window.js';

/** Offsets are 16 bits of 4-byte units, and all inputs of a tile are in one window. */
const mostUnits = 65536;

/** Zero of the 7-bit activations. */
const zeroPoint = 64;

/**
 * A linear layer in integers. Activations are quantised tile by tile, every token by its own largest magnitude; sums are exact;
 * scales, bias and result are f32.
 *
 * @throws {SparseWasmError} BAD_OPTION without eight-bit products; BAD_SHAPE above 4096 pairs or fours of inputs
 */
export function integerLinear(runtime: Runtime, packed: PackedWeights, tokens: number, batch: number): Layer {
  const { arena, kernels } = runtime;
  const { inputs, outputs, type, segments } = packed;
  if (type === 's8' && !runtime.hasRelaxedDot) {
    throw new SparseWasmError('BAD_OPTION', 'This engine, or the module that was loaded, has no eight-bit products.', {
      field: 'type',
      hint: 'Call init({ relaxed: true }), or pack the weights as i16.',
    });
  }
  const depth = depthOf[type];
  const units = Math.ceil(inputs / depth);
  const widest = segments.some(({ mr }) => mr === 1) ? 16 : 8;
  const most = Math.min(80, Math.floor(mostUnits / units / 16) * 16);
  if (most === 0) {
    throw new SparseWasmError('BAD_SHAPE', `${inputs} inputs are more than ${(mostUnits / 16) * depth} of ${type}.`, {
      field: 'inputs',
      hint: 'Pack the weights as f32.',
    });
  }
  const tile = tileTokens(tokens, widest, most);
  const row = 4 * tile;
  const before = arena.usedBytes;
  const owned: number[] = [];
  const upload = (data: Float32Array): number => {
    owned.push(arena.upload(data));
    return owned.at(-1)!;
  };
  const [block] = uploadWeights(arena, packed, units, (unit) => unit * tile, owned);
  const bias = packed.bias ? upload(packed.bias) : 0;
  const rowScale = upload(packed.rowScale!);
  const correction = upload(correctionOf(packed));
  const tables = rowTables(arena, owned);
  const layout: WindowLayout = { height: 1, width: tokens, inputs, plane: row, row, rows: 1, columns: tile };
  const quantise = type === 'i16' ? kernels.f32_pack_pair_i16__simd : kernels.f32_pack_quad_u7__simd;
  const product = (mr: number) =>
    kernels[
      type === 'i16'
        ? `i16_spmm_pair_${mr}x${mr === 4 ? 8 : 16}__simd`
        : `s8u7_spmm_quad_${mr}x${mr === 4 ? 8 : 16}__relaxed`
    ];

  function run(x: Source | readonly Source[], y: number, options: RunOptions = {}): void {
    const sources = sourcesOf(x, inputs, options);
    const floats = runtime.scratch(inputs * row + units * row + row + outputs * row);
    const window = floats + inputs * row;
    const columnScale = window + units * row;
    const spill = columnScale + row;
    for (let image = 0; image < batch; image++) {
      const add = options.bias ? options.bias + 4 * image * outputs : bias;
      for (let t = 0; t < tokens; t += tile) {
        const columns = Math.min(tile, tokens - t);
        const padded = Math.ceil(columns / widest) * widest;
        const at = 4 * (image * outputs * tokens + t);
        const isWhole = padded === columns;
        if (isWhole && sources.length === 1 && !options.affine) {
          quantise(
            window,
            row,
            sources[0].at + 4 * (image * inputs * tokens + t),
            4 * tokens,
            inputs,
            columns,
            columnScale,
          );
        } else {
          packWindow(runtime, layout, sources, image, [0, inputs], [0, t], floats, options, 1, padded);
          quantise(window, row, floats, row, inputs, padded, columnScale);
        }
        const [c, rowC] = isWhole ? [y + at, 4 * tokens] : [spill, row];
        // The residual may be the result itself, so it is set aside first.
        for (const segment of block.segments) {
          const nr = segment.mr === 4 ? 8 : 16;
          const [tiles, count] = tables(nr, padded / nr);
          const down = 4 * segment.row;
          const to = options.residual ? spill : c;
          const step = options.residual ? row : rowC;
          product(segment.mr)(
            segment.rowPtr,
            segment.offsets,
            segment.values,
            segment.groups,
            window,
            16,
            tiles,
            count,
            to + segment.row * step,
            step,
            16,
            correction + down,
            rowScale + down,
            columnScale,
            add && add + down,
          );
        }
        if (options.residual) {
          for (let r = 0; r < outputs; r++) {
            const d = at + 4 * r * tokens;
            kernels.f32_add__simd(y + d, spill + r * row, options.residual + d, columns);
          }
        } else if (!isWhole) kernels.f32_copy_window__simd(y + at, 4 * tokens, 0, spill, row, row, outputs, 1, columns);
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

/** What the zero point of the activations adds to every row, negated: -64 times the sum of its weights. 0 for i16. */
function correctionOf({ type, outputs, segments }: PackedWeights): Float32Array {
  const correction = new Float32Array(outputs);
  if (type !== 's8') return correction;
  for (const { mr, row, groups, rowPtr, values } of segments) {
    for (let g = 0; g < groups; g++) {
      for (let p = rowPtr[g]; p < rowPtr[g + 1]; p++) {
        for (let r = 0; r < mr; r++) {
          for (let i = 0; i < 4; i++) correction[row + g * mr + r] -= zeroPoint * values[(p * mr + r) * 4 + i];
        }
      }
    }
  }
  return correction;
}
