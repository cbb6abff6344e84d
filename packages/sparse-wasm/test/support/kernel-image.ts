import { type ReferenceKernel, referenceMemory } from '../../src/reference/index.js';
import type { RawExports } from './modules.js';

/** A NaN with a payload of its own: what lies wherever nothing was placed. */
const guard = 0x7fc0dead | 0;

type Data = Float32Array | Float64Array | Int32Array | Uint16Array | Int16Array | Int8Array | Uint8Array;

/** Distance that is allowed at an output: the largest of `absolute` and `relative` times the reference. */
export interface Tolerance {
  absolute?: number;
  relative?: number;
}

/**
 * An image of a module's memory for one call of a kernel. Everything is placed from the end of the memory downwards with guards
 * between, so that a read or a write beyond the first thing placed traps, a read beyond the others brings in a NaN, and a write
 * beyond shows as a changed word.
 */
export class KernelImage {
  private top: number;
  private readonly outputs: { from: number; to: number; tolerance: Tolerance }[] = [];
  private readonly ignored: { from: number; to: number }[] = [];
  private readonly words: Int32Array;

  constructor(private readonly wasm: RawExports) {
    this.words = new Int32Array(wasm.memory.buffer);
    this.words.fill(guard);
    this.top = wasm.memory.buffer.byteLength;
  }

  /** Copies an input in; returns its address. */
  place(data: Data): number {
    const address = this.reserve(data.byteLength);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    new Uint8Array(this.wasm.memory.buffer, address, data.byteLength).set(bytes);
    return address;
  }

  /** Room that the kernel writes into, of guards or of what is given. */
  output(contents: number | Data, tolerance: Tolerance = {}): number {
    const address = typeof contents === 'number' ? this.reserve(4 * contents) : this.place(contents);
    const bytes = typeof contents === 'number' ? 4 * contents : contents.byteLength;
    this.outputs.push({ from: address / 4, to: (address + bytes) / 4, tolerance });
    return address;
  }

  /** Room that the kernel may leave in any state. */
  scratch(floats: number): number {
    const address = this.reserve(4 * floats);
    this.ignored.push({ from: address / 4, to: address / 4 + floats });
    return address;
  }

  private reserve(bytes: number): number {
    const address = (this.top - bytes) & ~15;
    // The first thing placed ends where the memory does, when its size allows.
    this.top = address - 64;
    if (this.top < 4096) throw new Error('The image does not fit the memory.');
    return address;
  }

  /**
   * Runs kernel and reference on the same image and compares every word of memory: outputs within their tolerance, all
   * else unchanged.
   */
  check(name: string, reference: ReferenceKernel, args: readonly number[]): void {
    const expected = this.reference(reference, args);
    this.wasm[name](...args);
    this.compare(name, expected);
  }

  /** A copy of the image after the reference has run on it. */
  reference(reference: ReferenceKernel, args: readonly number[], change?: (f32: Float32Array) => void): ArrayBuffer {
    const copy = this.wasm.memory.buffer.slice(0);
    change?.(new Float32Array(copy));
    reference(referenceMemory(copy), ...args);
    return copy;
  }

  /** `bound(word)`: an allowed distance instead of the tolerance given with the output. */
  compare(name: string, expected: ArrayBuffer, bound?: (word: number) => number): void {
    const [words, wanted] = [this.words, new Int32Array(expected)];
    const [floats, values] = [new Float32Array(this.wasm.memory.buffer), new Float32Array(expected)];
    for (let i = 0; i < words.length; i++) {
      if (words[i] === wanted[i] || this.ignored.some(({ from, to }) => i >= from && i < to)) continue;
      const output = this.outputs.find(({ from, to }) => i >= from && i < to);
      const place = output ? `output word ${i - output.from}` : `word ${i}, which is no output,`;
      const { absolute = 0, relative = 0 } = output?.tolerance ?? {};
      const allowed = bound?.(i) ?? Math.max(absolute, relative * Math.abs(values[i]));
      const distance = Math.abs(floats[i] - values[i]);
      if (output && distance <= allowed && wanted[i] !== guard) continue;
      throw new Error(`${name}: ${place} is ${floats[i]} where the reference has ${values[i]} (allowed ${allowed}).`);
    }
  }
}
