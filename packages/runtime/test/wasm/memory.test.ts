import { describe, expect, it } from 'vitest';
import { planMemory } from '../../src/wasm/memory.js';
import type { Step } from '../../src/wasm/step.js';
import { type Buffer, newBuffer } from '../../src/wasm/view.js';

const step = (reads: Buffer[], writes: Buffer[], mayReuse: [Buffer, Buffer][] = []): Step => ({
  label: '',
  kind: '',
  reads,
  writes,
  mayReuse,
  bind: () => () => {},
});
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((label) => newBuffer(label, 16)) as [Buffer, Buffer, Buffer, Buffer];

describe('planMemory', () => {
  it('lets buffers take turns', () => {
    const { offsets, bytes } = planMemory([
      step([], [a]),
      step([a], [b]),
      step([b], [c]),
      step([c], [d]),
      step([d], []),
    ]);
    expect(bytes).toBe(128);
    expect(offsets.get(a)).toBe(offsets.get(c));
    expect(offsets.get(a)).not.toBe(offsets.get(b));
  });

  it('keeps apart what is alive at one time', () => {
    const { offsets, bytes } = planMemory([step([], [a]), step([], [b]), step([a], [c]), step([a, b, c], [])]);
    expect(new Set([a, b, c].map((buffer) => offsets.get(buffer))).size).toBe(3);
    expect(bytes).toBe(192);
  });

  it('writes where it reads when nothing reads that again', () => {
    const { offsets, bytes } = planMemory([step([], [a]), step([a], [b], [[a, b]]), step([b], [])]);
    expect(bytes).toBe(64);
    expect(offsets.get(a)).toBe(offsets.get(b));
  });

  it('does not when something does', () => {
    const { offsets } = planMemory([step([], [a]), step([a], [b], [[a, b]]), step([a, b], [])]);
    expect(offsets.get(a)).not.toBe(offsets.get(b));
  });

  it('gives one input to one of two results', () => {
    const both = step(
      [a],
      [b, c],
      [
        [a, b],
        [a, c],
      ],
    );
    const { offsets } = planMemory([step([], [a]), both, step([b, c], [])]);
    expect(offsets.get(b)).not.toBe(offsets.get(c));
  });

  it('fills a gap below what was placed first', () => {
    const large = newBuffer('large', 64);
    const { offsets, bytes } = planMemory([step([], [large]), step([large], [a]), step([a], [b]), step([a, b], [])]);
    expect(bytes).toBe(256 + 64);
    expect(offsets.get(b)).toBe(0);
  });
});
