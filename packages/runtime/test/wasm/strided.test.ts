import { describe, expect, it } from 'vitest';
import { collapse, copyStrided, eachOuter } from '../../src/wasm/strided.js';

describe('collapse', () => {
  it('joins what runs on in all arrays', () => {
    expect(
      collapse(
        [2, 3, 4],
        [
          [12, 4, 1],
          [12, 4, 1],
        ],
      ),
    ).toEqual({ sizes: [24], strides: [[1], [1]] });
    expect(
      collapse(
        [2, 3, 4],
        [
          [12, 4, 1],
          [0, 4, 1],
        ],
      ),
    ).toEqual({
      sizes: [2, 12],
      strides: [
        [12, 1],
        [0, 1],
      ],
    });
  });

  it('goes in the order of the first array', () => {
    // Channel-major tokens: the innermost loop is over tokens.
    expect(
      collapse(
        [3, 4],
        [
          [1, 3],
          [1, 3],
        ],
      ),
    ).toEqual({ sizes: [12], strides: [[1], [1]] });
    expect(
      collapse(
        [3, 4],
        [
          [1, 3],
          [0, 1],
        ],
      ),
    ).toEqual({
      sizes: [4, 3],
      strides: [
        [3, 1],
        [1, 0],
      ],
    });
  });

  it('leaves out axes of one element', () => {
    expect(collapse([1, 1], [[7, 9]])).toEqual({ sizes: [], strides: [[]] });
  });
});

it('eachOuter visits every place of the outer axes once', () => {
  const seen: number[][] = [];
  eachOuter(
    {
      sizes: [2, 2, 5],
      strides: [
        [10, 5, 1],
        [1, 2, 0],
      ],
    },
    1,
    (offsets) => seen.push([...offsets]),
  );
  expect(seen).toEqual([
    [0, 0],
    [5, 2],
    [10, 1],
    [15, 3],
  ]);
});

it('copyStrided transposes', () => {
  const to = new Float32Array(6);
  copyStrided(to, Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2], [2, 1], [1, 3]);
  expect([...to]).toEqual([1, 4, 2, 5, 3, 6]);
});
