/**
 * Counter-based random numbers: the value depends on the seed and the counters alone, so that results do not depend on the
 * order in which they are asked for. Mixing as in SplitMix/Murmur finalisers, 32-bit.
 */
export function hashNumbers(seed: number, ...counters: readonly number[]): number {
  let state = mix(seed | 0);
  for (const counter of counters) state = mix((state ^ (counter | 0)) + 0x9e3779b9);
  return state >>> 0;
}

function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

/** 32-bit hash of a text (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Uniform number in [0, 1) from a seed and counters. */
export function uniform(seed: number, ...counters: readonly number[]): number {
  return hashNumbers(seed, ...counters) / 2 ** 32;
}
