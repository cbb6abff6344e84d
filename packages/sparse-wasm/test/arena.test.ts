import { describe, expect, it } from 'vitest';
import { createArena } from '../src/arena.js';

const memory = (pages: number, maximum = pages) => new WebAssembly.Memory({ initial: pages, maximum });

describe('createArena', () => {
  it('hands out aligned pieces that do not overlap, from the first page on', () => {
    const arena = createArena(memory(2));
    const [a, b, c] = [arena.alloc(1), arena.alloc(17), arena.alloc(0)];
    expect([a, b, c]).toEqual([65536, 65552, 65584]);
    expect(arena.usedBytes).toBe(16 + 32 + 16);
  });

  it('uses again what was freed, joining neighbours', () => {
    const arena = createArena(memory(2));
    const [a, b, c] = [arena.alloc(32), arena.alloc(32), arena.alloc(32)];
    arena.free(a);
    arena.free(b);
    expect(arena.alloc(64)).toBe(a);
    arena.free(c);
    expect(arena.alloc(4096)).toBe(c);
  });

  it('takes the first gap that is large enough, and leaves the rest of it', () => {
    const arena = createArena(memory(2));
    const pieces = [16, 16, 64, 16].map((bytes) => arena.alloc(bytes));
    arena.free(pieces[0]);
    arena.free(pieces[2]);
    expect(arena.alloc(48)).toBe(pieces[2]);
    expect(arena.alloc(16)).toBe(pieces[0]);
    expect(arena.alloc(16)).toBe(pieces[2] + 48);
  });

  it('uploads, shows in place, and grows the memory', () => {
    const arena = createArena(memory(2, 64));
    const at = arena.upload(Float32Array.of(1, 2, 3));
    expect([...arena.f32(at, 3)]).toEqual([1, 2, 3]);
    const large = arena.alloc(10 * 65536);
    expect(arena.memory.buffer.byteLength).toBeGreaterThanOrEqual(large + 10 * 65536);
    expect([...arena.f32(at, 3)]).toEqual([1, 2, 3]);
  });

  it('says so when memory is out, and stays usable', () => {
    const arena = createArena(memory(2));
    expect(() => arena.alloc(10 * 65536)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect(arena.alloc(16)).toBe(65536);
  });

  it('refuses to free what it does not know, twice, or to allocate no number', () => {
    const arena = createArena(memory(2));
    const at = arena.alloc(16);
    arena.free(at);
    expect(() => arena.free(at)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => arena.alloc(-1)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'bytes' }));
    expect(() => arena.alloc(Number.NaN)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
