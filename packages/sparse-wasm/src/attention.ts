import { requireWhole } from './errors.js';
import type { Runtime } from './runtime.js';

export interface AttentionOptions {
  heads: number;
  /** Channels of one head, of q and k and of v. */
  headChannels: number;
  /** Tokens of q and of the result. */
  queries: number;
  /** Tokens of k and v. */
  keys: number;
  /** Default 1. */
  batch?: number;
  /** Factor of q k before the softmax. Default 1 / sqrt(headChannels). */
  scale?: number;
}

/** Bytes of scores at a time: with the keys they are read with, a second-level cache. */
const scoreBytes = 512 * 1024;

/**
 * Softmax attention, channel-major: q and y `[batch][heads * headChannels][queries]`, k and v `[batch][heads * headChannels][keys]`.
 * Scores of a few queries at a time stay in scratch and the queries lie along the vectors, so nothing is transposed but v.
 * y may be q.
 *
 * @throws {SparseWasmError} BAD_SHAPE
 */
export function attention(
  runtime: Runtime,
  q: number,
  k: number,
  v: number,
  y: number,
  options: AttentionOptions,
): void {
  const { heads, headChannels, queries, keys, batch = 1, scale = 1 / Math.sqrt(headChannels) } = options;
  for (const field of ['heads', 'headChannels', 'queries', 'keys'] as const)
    requireWhole(field, options[field], 1, 2 ** 20);
  requireWhole('batch', batch, 1, 4096);
  const { kernels, isa } = runtime;
  const product = kernels[`f32_gemm_packed_4x8__${isa}`];
  const wide = Math.max(8, Math.min(64, Math.ceil(queries / 8) * 8, Math.floor(scoreBytes / (4 * keys) / 8) * 8));
  const row = 4 * wide;
  const [keyGroups, channelGroups] = [Math.ceil(keys / 4), Math.ceil(headChannels / 4)];
  const sizes = [
    16 * keyGroups * headChannels, // k, four keys a group
    16 * channelGroups * keys, // v, four channels a group
    row * headChannels, // q, a tile
    row * 4 * keyGroups, // scores, [keys][queries]
    row * 4 * channelGroups, // results, [channels][queries]
    row, // sums
  ];
  const left = runtime.scratch(sizes.reduce((sum, size) => sum + size, 0));
  const at = sizes.map((_, i) => left + sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const [packedK, packedV, tileQ, scores, results, sums] = at;
  for (let head = 0; head < batch * heads; head++) {
    const [headQ, headK] = [4 * head * headChannels * queries, 4 * head * headChannels * keys];
    kernels.f32_pack_columns4__simd(packedK, k + headK, 4 * keys, keys, headChannels, scale);
    kernels.f32_pack_rows4__simd(packedV, v + headK, 4 * keys, headChannels, keys, 1);
    for (let t = 0; t < queries; t += wide) {
      const columns = Math.min(wide, queries - t);
      const padded = Math.ceil(columns / 8) * 8;
      const from = q + headQ + 4 * t;
      kernels.f32_pack_window__simd(tileQ, row, row, from, 4 * queries, headChannels, 1, columns, 0, 0, 1, padded);
      product(packedK, keyGroups, headChannels, tileQ, row, padded / 8, scores, row);
      kernels.f32_expsum_columns__simd(scores, row, keys, padded, sums);
      product(packedV, channelGroups, keys, scores, row, padded / 8, results, row);
      kernels.f32_divide_columns__simd(results, row, headChannels, padded, sums);
      kernels.f32_copy_window__simd(y + headQ + 4 * t, 4 * queries, 0, results, row, 0, headChannels, 1, columns);
    }
  }
}
