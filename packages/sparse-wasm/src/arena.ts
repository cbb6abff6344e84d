import { requireWhole, SparseWasmError } from './errors.js';

/** Memory of a module, handed out in pieces of 16 bytes. Pointers are byte offsets and stay valid until freed. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  /** Room for so many bytes, aligned to 16, of undefined content. */
  alloc(bytes: number): number;
  free(pointer: number): void;
  /** Copies data into new room. */
  upload(data: ArrayBufferView): number;
  /** A view of floats in place. Growing the memory detaches it: do not keep one across an `alloc`. */
  f32(pointer: number, length: number): Float32Array;
  i32(pointer: number, length: number): Int32Array;
  /** Bytes handed out now. */
  readonly usedBytes: number;
}

const page = 65536;

/**
 * @param memory  of a module that owns nothing in it from `start` on
 * @throws {SparseWasmError} from `alloc`: OUT_OF_MEMORY; from `free`: BAD_OPTION for what is no piece of this arena
 */
export function createArena(memory: WebAssembly.Memory, start: number = page): Arena {
  const used = new Map<number, number>();
  /** Gaps by address, never adjacent to one another. */
  let gaps: { at: number; bytes: number }[] = [];
  let top = start;
  let usedBytes = 0;

  function alloc(wanted: number): number {
    requireWhole('bytes', wanted, 0, 2 ** 32 - 2 * page, 'BAD_OPTION');
    const bytes = Math.max(16, Math.ceil(wanted / 16) * 16);
    let at: number;
    const gap = gaps.find((candidate) => candidate.bytes >= bytes);
    if (gap) {
      at = gap.at;
      gap.at += bytes;
      gap.bytes -= bytes;
      if (gap.bytes === 0) gaps = gaps.filter((other) => other !== gap);
    } else {
      at = top;
      reach(at + bytes);
      top += bytes;
    }
    used.set(at, bytes);
    usedBytes += bytes;
    return at;
  }

  function reach(end: number): void {
    const missing = Math.ceil((end - memory.buffer.byteLength) / page);
    if (missing <= 0) return;
    // Ahead of need by an eighth, since growing may move the memory; exactly what is needed when that is refused.
    for (const pages of [missing + (memory.buffer.byteLength >> 19), missing]) {
      try {
        memory.grow(pages);
        return;
      } catch {}
    }
    throw new SparseWasmError('OUT_OF_MEMORY', `The module's memory cannot grow to ${end} bytes.`, {
      hint: 'Free layers that are not in use, or take a direct algorithm: Winograd needs two to four times the memory.',
    });
  }

  function free(pointer: number): void {
    const bytes = used.get(pointer);
    if (bytes === undefined) {
      throw new SparseWasmError('BAD_OPTION', `${pointer} is not allocated in this arena, or was freed already.`);
    }
    used.delete(pointer);
    usedBytes -= bytes;
    const after = gaps.findIndex(({ at }) => at > pointer);
    gaps.splice(after < 0 ? gaps.length : after, 0, { at: pointer, bytes });
    gaps = gaps.reduce<typeof gaps>((merged, gap) => {
      const last = merged.at(-1);
      if (last && last.at + last.bytes === gap.at) last.bytes += gap.bytes;
      else merged.push(gap);
      return merged;
    }, []);
    const last = gaps.at(-1);
    if (last && last.at + last.bytes === top) {
      top = last.at;
      gaps.pop();
    }
  }

  return {
    memory,
    alloc,
    free,
    upload(data) {
      const at = alloc(data.byteLength);
      new Uint8Array(memory.buffer, at, data.byteLength).set(
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
      return at;
    },
    f32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    i32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
    get usedBytes() {
      return usedBytes;
    },
  };
}
