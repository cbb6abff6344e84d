import type { Step } from './step.js';
import type { Buffer } from './view.js';

/** Where every buffer lies in one block of memory, in bytes. */
export interface MemoryPlan {
  readonly offsets: ReadonlyMap<Buffer, number>;
  /** Size of the block: the most that is alive at one time, and what could not be fitted better. */
  readonly bytes: number;
}

/** A piece of memory with the buffers that take turns in it. */
interface Slot {
  readonly bytes: number;
  readonly first: number;
  last: number;
  offset: number;
}

const align = 64;

/**
 * Gives buffers whose lives do not overlap the same memory. Results that may lie where their input lay do so when it is not read
 * again; the rest is placed largest first, each at the lowest offset that is free while it lives.
 */
export function planMemory(steps: readonly Step[]): MemoryPlan {
  const slots = slotsOf(steps);
  const placed: Slot[] = [];
  const bySize = [...new Set(slots.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const slot of bySize) {
    const alive = placed.filter((other) => other.first <= slot.last && slot.first <= other.last);
    alive.sort((a, b) => a.offset - b.offset);
    slot.offset = 0;
    for (const other of alive) {
      if (slot.offset + slot.bytes <= other.offset) break;
      slot.offset = Math.max(slot.offset, other.offset + other.bytes);
    }
    placed.push(slot);
  }
  return {
    offsets: new Map([...slots].map(([buffer, { offset }]) => [buffer, offset])),
    bytes: Math.max(0, ...placed.map(({ offset, bytes }) => offset + bytes)),
  };
}

function slotsOf(steps: readonly Step[]): Map<Buffer, Slot> {
  const lastRead = new Map<Buffer, number>();
  for (const [i, { reads, writes }] of steps.entries())
    for (const buffer of [...reads, ...writes]) lastRead.set(buffer, i);
  const slots = new Map<Buffer, Slot>();
  for (const [i, step] of steps.entries()) {
    for (const buffer of step.writes) {
      if (slots.has(buffer)) continue;
      const source = step.mayReuse?.find(
        ([from, to]) => to === buffer && from.size === to.size && lastRead.get(from) === i && slots.has(from),
      )?.[0];
      const last = lastRead.get(buffer)!;
      const shared = source && slots.get(source);
      if (shared && shared.last <= i) {
        shared.last = last;
        slots.set(buffer, shared);
      } else {
        const bytes = Math.ceil((4 * buffer.size) / align) * align;
        slots.set(buffer, { bytes, first: i, last, offset: 0 });
      }
    }
  }
  return slots;
}
