const size = 624;
const middle = 397;

/** State of MT19937: 624 words and the position of the next one to give out. */
export interface TwisterState {
  readonly words: Uint32Array;
  position: number;
}

/** MT19937 seeded as `init_genrand` (Matsumoto and Nishimura, 2002) with the low 32 bits of a seed. */
export function seedTwister(seed: number): TwisterState {
  const words = new Uint32Array(size);
  words[0] = seed;
  for (let i = 1; i < size; i++) {
    const previous = words[i - 1] ^ (words[i - 1] >>> 30);
    words[i] = Math.imul(1812433253, previous) + i;
  }
  return { words, position: size };
}

/** The next 32 bits, as an unsigned whole number. */
export function nextWord(state: TwisterState): number {
  if (state.position === size) twist(state);
  let y = state.words[state.position++];
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

function twist(state: TwisterState): void {
  const { words } = state;
  for (let i = 0; i < size; i++) {
    const joined = (words[i] & 0x80000000) | (words[(i + 1) % size] & 0x7fffffff);
    words[i] = words[(i + middle) % size] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
  }
  state.position = 0;
}
