import type { Arena } from './arena.js';
import { SparseWasmError } from './errors.js';
import { depthOf, type PackedWeights, type Segment } from './packed-weights.js';

/** One segment's positions within one block of input channels, in the module's memory. */
export interface UploadedSegment {
  readonly mr: 1 | 2 | 4;
  readonly row: number;
  readonly groups: number;
  /** i32 `[groups + 1]` */
  readonly rowPtr: number;
  /** u16 `[positions]`, in units of 4 bytes */
  readonly offsets: number;
  /** `[positions][mr]`, 4 bytes each */
  readonly values: number;
  /** Whether no position is left out. */
  readonly isDense: boolean;
}

export interface UploadedBlock {
  /** First input channel (or pair, or four) and how many. */
  readonly first: number;
  readonly count: number;
  readonly segments: readonly UploadedSegment[];
}

/**
 * Brings packed weights into the module's memory, cut into blocks of input channels whose windows fit the first-level cache, with
 * positions turned into offsets into such a window.
 *
 * @param perBlock  channels a block
 * @param offsetOf  position of a channel of the block and a tap in the window, in units of 4 bytes
 * @param owned  gets every pointer that the caller has to free
 * @param like  weights uploaded before whose positions are the very same: their lists are used again
 */
export function uploadWeights(
  arena: Arena,
  packed: PackedWeights,
  perBlock: number,
  offsetOf: (channel: number, tap: number) => number,
  owned: number[],
  like?: readonly UploadedBlock[],
): UploadedBlock[] {
  const taps = packed.kernel[0] * packed.kernel[1];
  const channels = Math.ceil(packed.inputs / depthOf[packed.type]);
  const table = Uint16Array.from({ length: Math.min(perBlock, channels) * taps }, (_, i) => {
    const offset = offsetOf(Math.floor(i / taps), i % taps);
    if (offset > 65535) {
      throw new SparseWasmError('BAD_SHAPE', `A window of ${perBlock} channels is too large for 16-bit offsets.`);
    }
    return offset;
  });
  const blocks: UploadedBlock[] = [];
  for (let first = 0; first < channels; first += perBlock) {
    const count = Math.min(perBlock, channels - first);
    const from = first * taps;
    const known = like?.[blocks.length];
    const segments = packed.segments.map((segment, i) =>
      uploadSegment(arena, segment, [from, from + count * taps], table, owned, known?.segments[i]),
    );
    blocks.push({ first, count, segments });
  }
  return blocks;
}

/** The positions of a segment whose index lies in [from, to). */
function uploadSegment(
  arena: Arena,
  { mr, row, groups, rowPtr, index, values }: Segment,
  [from, to]: readonly [number, number],
  table: Uint16Array,
  owned: number[],
  like?: UploadedSegment,
): UploadedSegment {
  const bytes = 4 * mr;
  const ranges = new Uint32Array(2 * groups);
  const pointers = new Int32Array(groups + 1);
  for (let g = 0; g < groups; g++) {
    ranges[2 * g] = lowerBound(index, rowPtr[g], rowPtr[g + 1], from);
    ranges[2 * g + 1] = lowerBound(index, rowPtr[g], rowPtr[g + 1], to);
    pointers[g + 1] = pointers[g] + ranges[2 * g + 1] - ranges[2 * g];
  }
  const offsets = new Uint16Array(pointers[groups]);
  const room = arena.alloc(pointers[groups] * bytes);
  owned.push(room);
  const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const target = new Uint8Array(arena.memory.buffer, room, pointers[groups] * bytes);
  for (let g = 0; g < groups; g++) {
    const [start, end] = [ranges[2 * g], ranges[2 * g + 1]];
    for (let p = start; p < end; p++) offsets[pointers[g] + p - start] = table[index[p] - from];
    target.set(source.subarray(start * bytes, end * bytes), pointers[g] * bytes);
  }
  if (like) return { ...like, values: room };
  const isDense = pointers[groups] === groups * (to - from);
  const uploaded = {
    mr,
    row,
    groups,
    isDense,
    rowPtr: arena.upload(pointers),
    offsets: arena.upload(offsets),
    values: room,
  };
  owned.push(uploaded.rowPtr, uploaded.offsets);
  return uploaded;
}

/** First place in the rising `index[from, to)` that is not below `value`. */
function lowerBound(index: ArrayLike<number>, from: number, to: number, value: number): number {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (index[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
