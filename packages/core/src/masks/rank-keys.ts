import { SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import type { StoredHalves } from './halves.js';

/**
 * The elements of a tensor as whole numbers that rank as their scores do: the bits of a float32, which of two positive
 * numbers are larger for the larger one, turned round where it is negative. What ranks and selects sees these alone, so
 * that it need not know whether they come from scores or from the bits of the weights themselves.
 */
export interface RankKeys {
  /** Number of elements. */
  readonly size: number;
  /**
   * Writes the keys of the elements `[from, to)` into the beginning of `into`.
   * @throws {SecateurError} BAD_DATA for a weight that is not finite. Who reads `singles` or `halves` instead has to look for
   *   one, and calls this to say which it is
   */
  fill(from: number, to: number, into: Int32Array): void;
  /** Of magnitudes of 32 bits: the weights' bits, which are the keys but for the sign. */
  readonly singles?: Int32Array;
  /** Of magnitudes of 16 bits: the weights, whose patterns rank as the keys do and need not be made into keys. */
  readonly halves?: StoredHalves;
}

/** Keys are made, ranked and thrown away this many at a time: 128 KB, which stay in a processor's cache. */
export const KEYS_AT_A_TIME: number = 2 ** 15;

const MAGNITUDE = 0x7fffffff;
/** The key of infinity: those of finite scores are below. */
export const INFINITE_KEY = 0x7f800000;

/**
 * Visits all keys in pieces.
 * @param visit  is given a piece, what to AND its numbers with to have the keys, and the element that it begins with
 */
export function inPieces(
  keys: RankKeys,
  atATime: number,
  visit: (piece: Int32Array, and: number, first: number) => void,
): void {
  const { singles, size } = keys;
  const held = singles ? undefined : new Int32Array(Math.min(atATime, size));
  for (let from = 0; from < size; from += atATime) {
    const to = Math.min(from + atATime, size);
    if (singles) visit(singles.subarray(from, to), MAGNITUDE, from);
    else {
      keys.fill(from, to, held!);
      visit(held!.subarray(0, to - from), -1, from);
    }
  }
}

/** Makes all keys, which names a weight that is not finite. */
export function refuse(keys: RankKeys): void {
  inPieces({ ...keys, singles: undefined }, KEYS_AT_A_TIME, () => {});
}

/** Keys of scores, larger = keep. -0 ranks as 0. Scores must be finite. */
export function keysOfScores(scores: Float32Array): RankKeys {
  const bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
  return {
    size: scores.length,
    fill(from, to, into) {
      for (let i = from, at = 0; i < to; i++, at++) {
        const x = bits[i];
        const key = x === -0x80000000 ? 0 : x ^ ((x >> 31) & MAGNITUDE);
        into[at] = key;
      }
    },
  };
}

/**
 * Keys of |w|, from the bits of the weights as they are stored: the same numbers as those of scores |w|.
 * @param name  for messages
 */
export function keysOfMagnitudes(name: string, weights: Tensor): RankKeys {
  if (weights.dtype === 'float16') return magnitudesOfHalves(name, weights, 0x7c00, halfKeys());
  if (weights.dtype === 'bfloat16') return magnitudesOfHalves(name, weights, 0x7f80, bfloatKeys());
  const values = toFloat32(weights);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  return {
    size: bits.length,
    singles: bits,
    fill(from, to, into) {
      for (let i = from, at = 0; i < to; i++, at++) {
        const key = bits[i] & MAGNITUDE;
        if (key >= INFINITE_KEY) throw notFinite(name, weights, i);
        into[at] = key;
      }
    },
  };
}

function magnitudesOfHalves(name: string, weights: Tensor, infinity: number, keys: Int32Array): RankKeys {
  const patterns = weights.data as Uint16Array;
  return {
    size: patterns.length,
    halves: { patterns, infinity, keys },
    fill(from, to, into) {
      for (let i = from, at = 0; i < to; i++, at++) {
        const key = keys[patterns[i] & 0x7fff];
        if (key >= INFINITE_KEY) throw notFinite(name, weights, i);
        into[at] = key;
      }
    },
  };
}

let keysByHalf: Int32Array | undefined;
let keysByBfloat: Int32Array | undefined;

/** Keys of the magnitudes of all float16 bit patterns without their sign, `[32768]`. */
function halfKeys(): Int32Array {
  keysByHalf ??= keysByPattern('float16');
  return keysByHalf;
}

/** The same of bfloat16. */
function bfloatKeys(): Int32Array {
  keysByBfloat ??= keysByPattern('bfloat16');
  return keysByBfloat;
}

function keysByPattern(dtype: 'float16' | 'bfloat16'): Int32Array {
  const data = Uint16Array.from({ length: 0x8000 }, (_, bits) => bits);
  return new Int32Array(toFloat32({ dtype, shape: [0x8000], data }).buffer);
}

/** A weight that is NaN or infinite: no score of it would mean anything. */
export function notFinite(name: string, weights: Pick<Tensor, 'dtype' | 'data'>, element: number): SecateurError {
  const one = { ...weights, shape: [1], data: weights.data.slice(element, element + 1) };
  return new SecateurError(
    'BAD_DATA',
    `Weight ${name} holds ${toFloat32(one)[0]} at element ${element} of ${weights.data.length}.`,
    {
      field: name,
      hint: 'The checkpoint is damaged or its training diverged; no score of it would mean anything.',
    },
  );
}
