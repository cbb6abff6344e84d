import type { Allocate } from '@secateur/graph';

/**
 * Memory for reads that follow one another: new memory for every large tensor costs more than what is done with it.
 *
 * @param turns  how many tensors are in use at once: what a read brought is overwritten by the `turns`-th read after it
 * @returns gives the memory of the next read
 */
export function memoryInTurns(turns: number): () => Allocate {
  const held = Array.from({ length: turns }, () => new Uint8Array(0));
  let reads = 0;
  return () => {
    const turn = reads++ % turns;
    return (bytes) => {
      if (held[turn].byteLength < bytes) held[turn] = new Uint8Array(bytes);
      return held[turn].subarray(0, bytes);
    };
  };
}
