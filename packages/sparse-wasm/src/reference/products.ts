import type { ReferenceKernel, ReferenceMemory } from './memory.js';

/** Visits every output of a kernel that follows positions: its row, the address of the output and of the column in b. */
function eachOutput(
  { i32 }: ReferenceMemory,
  mr: number,
  nr: number,
  args: readonly number[],
  visit: (at: { row: number; inGroup: number; from: number; to: number; b: number; offset: number }) => void,
): void {
  const [rowPtr, , , groups, b, vectorB, tiles, nTiles, , rowC, vectorC] = args;
  for (let g = 0; g < groups; g++) {
    const [from, to] = [i32[rowPtr / 4 + g], i32[rowPtr / 4 + g + 1]];
    for (let t = 0; t < nTiles; t++) {
      const [tileB, tileC] = [i32[tiles / 4 + 2 * t], i32[tiles / 4 + 2 * t + 1]];
      for (let inGroup = 0; inGroup < mr; inGroup++) {
        for (let column = 0; column < nr; column++) {
          const [vector, lane] = [column >> 2, column & 3];
          const row = g * mr + inGroup;
          const offset = tileC + row * rowC + vector * vectorC + 4 * lane;
          visit({ row, inGroup, from, to, b: b + tileB + vector * vectorB + 4 * lane, offset });
        }
      }
    }
  }
}

/**
 * c = start + bias + sum over positions of weight * b, in f32. Dense: the second argument is no list but the bytes between
 * positions.
 */
export function spmmF32(mr: number, nr: number, isDense = false): ReferenceKernel {
  return (memory, ...args) => {
    const { f32, u16 } = memory;
    const [, offsets, weights, , , , , , c, , , start, bias] = args;
    eachOutput(memory, mr, nr, args, ({ row, inGroup, from, to, b, offset }) => {
      let sum = start ? f32[(start + offset) / 4] : 0;
      if (bias) sum += f32[bias / 4 + row];
      for (let p = from; p < to; p++) {
        const position = isDense ? ((p - from) * offsets) / 4 : u16[offsets / 2 + p];
        sum += f32[weights / 4 + p * mr + inGroup] * f32[b / 4 + position];
      }
      f32[(c + offset) / 4] = sum;
    });
  };
}

/** The integer products: `depth` inputs a position, 2 for i16 and 4 for s8 times u7. */
export function spmmInteger(mr: number, nr: number, depth: 2 | 4): ReferenceKernel {
  return (memory, ...args) => {
    const { f32, u16 } = memory;
    const [a, x] = depth === 2 ? [memory.i16, memory.i16] : [memory.i8, memory.u8];
    const width = 4 / depth;
    const [, offsets, weights, , , , , , c, , , correction, rowScale, columnScale, bias] = args;
    const [, , , , , , , , , rowC] = args;
    eachOutput(memory, mr, nr, args, ({ row, inGroup, from, to, b, offset }) => {
      let sum = 0;
      for (let p = from; p < to; p++) {
        const w = (weights + (p * mr + inGroup) * 4) / width;
        const v = (b + 4 * u16[offsets / 2 + p]) / width;
        for (let i = 0; i < depth; i++) sum += a[w + i] * x[v + i];
      }
      const scale = f32[rowScale / 4 + row] * f32[(columnScale + offset - row * rowC) / 4];
      f32[(c + offset) / 4] = (sum + f32[correction / 4 + row]) * scale + (bias ? f32[bias / 4 + row] : 0);
    });
  };
}

/** c = a b, both dense; a is `[groups][k][mr]`. */
export function gemmF32(mr: number, nr: number): ReferenceKernel {
  return ({ f32 }, a, groups, k, b, rowB, nTiles, c, rowC) => {
    for (let row = 0; row < groups * mr; row++) {
      for (let column = 0; column < nTiles * nr; column++) {
        let sum = 0;
        for (let i = 0; i < k; i++) {
          sum += f32[a / 4 + (Math.floor(row / mr) * k + i) * mr + (row % mr)] * f32[(b + i * rowB) / 4 + column];
        }
        f32[(c + row * rowC) / 4 + column] = sum;
      }
    }
  };
}
