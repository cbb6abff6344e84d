import type { Arena } from './arena.js';
import type { InitOutput } from './init.js';
import type { Isa } from './kernels.list.js';

/** Long enough for an engine to replace its first, quick translation of a kernel by the optimised one. */
const warmUpMs = 6;

/**
 * Whether the kernel for single rows should take 16 or 32 columns at a time: newer V8 is a fifth faster with 32, while V8 11 runs
 * out of registers and loses a third. Measured here in some 20 ms; either gives the same bits.
 */
export function fasterSingleRow(kernels: InitOutput, arena: Arena, isa: Isa): 16 | 32 {
  const [groups, positions, columns] = [16, 64, 64];
  const room: number[] = [];
  const upload = (data: ArrayBufferView): number => {
    room.push(arena.upload(data));
    return room.at(-1)!;
  };
  const b = upload(new Float32Array(positions * columns).fill(1));
  const c = upload(new Float32Array(groups * columns));
  const values = upload(new Float32Array(groups * positions).fill(1));
  const rowPtr = upload(Int32Array.from({ length: groups + 1 }, (_, g) => g * positions));
  const offsets = upload(Uint16Array.from({ length: groups * positions }, (_, i) => (i % positions) * columns));
  const timed = ([16, 32] as const).map((nr) => {
    const kernel = kernels[`f32_spmm_csr_1x${nr}__${isa}`];
    const count = columns / nr;
    const tiles = upload(Int32Array.from({ length: 2 * count }, (_, i) => (i >> 1) * 4 * nr));
    const run = (): number => {
      const start = performance.now();
      for (let i = 0; i < 20; i++) {
        kernel(rowPtr, offsets, values, groups, b, 16, tiles, count, c, 4 * columns, 16, 0, 0);
      }
      return performance.now() - start;
    };
    for (const start = performance.now(); performance.now() - start < warmUpMs; ) run();
    return { nr, run, best: Number.POSITIVE_INFINITY };
  });
  for (let round = 0; round < 7; round++) for (const one of timed) one.best = Math.min(one.best, one.run());
  for (const pointer of room) arena.free(pointer);
  return timed[1].best < timed[0].best ? 32 : 16;
}
