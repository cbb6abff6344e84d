import { float32, SecateurError, sizeOf, type Tensor } from '@secateur/graph';
import { nextWord, seedTwister, type TwisterState } from './mersenne-twister.js';

/** A generator's state as plain JSON: what to keep in order to go on later with the very same draws. */
export interface TorchGeneratorState {
  readonly kind: 'mt19937';
  /** The 624 words of the Mersenne Twister. */
  readonly words: readonly number[];
  readonly position: number;
  /** The second value of a pair of normal draws, when one is waiting. */
  readonly cachedNormal: number | null;
}

/**
 * Random numbers as PyTorch's CPU generator draws them: the same seed and the same calls give the same numbers.
 * `rand`, `randint` and `randperm` are exact; `randn` agrees within 4 units in the last place or 3e-7, whichever is
 * larger, because PyTorch's vectorised logarithm and sine differ from the platform's in the last bits.
 */
export interface TorchGenerator {
  /** Uniform in [0, 1), float32. */
  rand(shape: readonly number[]): Tensor;
  /** Standard normal, float32. How the numbers are drawn depends on the size: 16 and more take another path than fewer. */
  randn(shape: readonly number[]): Tensor;
  /**
   * Whole numbers in [0, high).
   * @throws {SecateurError} BAD_OPTION when `high` is outside 1..2^28, beyond which PyTorch's releases differ
   */
  randint(high: number, count: number): number[];
  /** A permutation of 0..n-1. */
  randperm(n: number): number[];
  state(): TorchGeneratorState;
}

/**
 * A generator as after `torch.manual_seed(seed)`, or as it was when `state()` was taken.
 *
 * @throws {SecateurError} BAD_OPTION when the seed is no whole number in 0..2^53-1, or the state is malformed
 */
export function torchGenerator(start: number | TorchGeneratorState): TorchGenerator {
  const generator = typeof start === 'number' ? fresh(start) : restored(start);
  return {
    rand: (shape) => float32(shape, uniforms(generator.twister, sizeOf(shape))),
    randn: (shape) => {
      const count = sizeOf(shape);
      return float32(shape, count < 16 ? fewNormals(generator, count) : manyNormals(generator.twister, count));
    },
    randint: (high, count) => {
      if (!Number.isInteger(high) || high < 1 || high > 2 ** 28) {
        throw new SecateurError('BAD_OPTION', `randint: high is ${high}; it must be a whole number in 1..2^28.`, {
          field: 'high',
        });
      }
      return Array.from({ length: count }, () => nextWord(generator.twister) % high);
    },
    randperm: (n) => permutation(generator.twister, n),
    state: () => ({
      kind: 'mt19937',
      words: Array.from(generator.twister.words),
      position: generator.twister.position,
      cachedNormal: generator.cachedNormal,
    }),
  };
}

interface Generator {
  readonly twister: TwisterState;
  cachedNormal: number | null;
}

function fresh(seed: number): Generator {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new SecateurError('BAD_OPTION', `The seed is ${seed}; it must be a whole number in 0..2^53-1.`, {
      field: 'seed',
    });
  }
  // PyTorch seeds the twister with the low 32 bits alone.
  return { twister: seedTwister(seed % 2 ** 32), cachedNormal: null };
}

function restored(state: TorchGeneratorState): Generator {
  const { kind, words, position, cachedNormal } = state;
  const isSound =
    kind === 'mt19937' &&
    words.length === 624 &&
    words.every((word) => word >>> 0 === word) &&
    Number.isInteger(position) &&
    position >= 0 &&
    position <= 624;
  if (!isSound) {
    throw new SecateurError('BAD_OPTION', "The generator's state is malformed: 624 words and a position in 0..624.", {
      hint: 'Pass what state() returned, unchanged.',
    });
  }
  return { twister: { words: Uint32Array.from(words), position }, cachedNormal };
}

function uniforms(twister: TwisterState, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (nextWord(twister) & 0xffffff) / 2 ** 24;
  return values;
}

/** 53 bits: the high 21 come from the first word's low end, as PyTorch joins two words to 64 bits, first word on top. */
function uniformDouble(twister: TwisterState): number {
  const high = nextWord(twister) & 0x1fffff;
  return (high * 2 ** 32 + nextWord(twister)) / 2 ** 53;
}

/** Box-Muller in double, one value at a time; the second of each pair waits for the next call. */
function fewNormals(generator: Generator, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (generator.cachedNormal !== null) {
      values[i] = generator.cachedNormal;
      generator.cachedNormal = null;
      continue;
    }
    const angle = 2 * Math.PI * uniformDouble(generator.twister);
    const radius = Math.sqrt(-2 * Math.log1p(-uniformDouble(generator.twister)));
    values[i] = radius * Math.cos(angle);
    generator.cachedNormal = radius * Math.sin(angle);
  }
  return values;
}

/**
 * Uniforms for the whole tensor first, then Box-Muller in float32 within blocks of 16 (value i with value i + 8). A tail
 * shorter than a block is made by drawing the last 16 values anew.
 */
function manyNormals(twister: TwisterState, count: number): Float32Array {
  const values = uniforms(twister, count);
  for (let start = 0; start + 16 <= count; start += 16) boxMuller16(values, start);
  if (count % 16 !== 0) {
    values.set(uniforms(twister, 16), count - 16);
    boxMuller16(values, count - 16);
  }
  return values;
}

const fullTurn = Math.fround(2 * Math.PI);

function boxMuller16(values: Float32Array, start: number): void {
  for (let i = start; i < start + 8; i++) {
    const logarithm = Math.fround(Math.log(1 - values[i]));
    const radius = Math.fround(Math.sqrt(-2 * logarithm));
    const angle = Math.fround(fullTurn * values[i + 8]);
    values[i] = radius * Math.fround(Math.cos(angle));
    values[i + 8] = radius * Math.fround(Math.sin(angle));
  }
}

function permutation(twister: TwisterState, n: number): number[] {
  const values = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + (nextWord(twister) % (n - i));
    const value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
  return values;
}
