import type { Arena } from './arena.js';
import type { InitOutput } from './init.js';

/**
 * Whether the eight-bit products give the right numbers, by a product with a known answer: V8 11.3 (Node 20, where relaxed SIMD
 * is behind a flag) accepts the instruction and adds wrong sums.
 */
export function relaxedDotWorks(kernels: InitOutput, arena: Arena): boolean {
  const inputs = 3;
  const room: number[] = [];
  const upload = (data: ArrayBufferView): number => {
    room.push(arena.upload(data));
    return room.at(-1)!;
  };
  const x = Uint8Array.from({ length: inputs * 8 * 4 }, (_, i) => (i * 37) % 128);
  const w = Int8Array.from({ length: inputs * 4 * 4 }, (_, i) => ((i * 91) % 255) - 127);
  const ones = upload(new Float32Array(8).fill(1));
  const c = upload(new Float32Array(32));
  kernels.s8u7_spmm_quad_4x8__relaxed(
    ...[upload(Int32Array.of(0, inputs)), upload(Uint16Array.of(0, 8, 16)), upload(w), 1],
    ...[upload(x), 16, upload(Int32Array.of(0, 0)), 1],
    ...[c, 32, 16, upload(new Float32Array(4)), ones, ones, 0],
  );
  const actual = arena.f32(c, 32);
  let right = true;
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 8; column++) {
      let sum = 0;
      for (let k = 0; k < inputs * 4; k++) {
        const position = k >> 2;
        sum += w[(position * 4 + row) * 4 + (k & 3)] * x[(position * 8 + column) * 4 + (k & 3)];
      }
      right &&= actual[row * 8 + column] === sum;
    }
  }
  for (const pointer of room) arena.free(pointer);
  return right;
}
