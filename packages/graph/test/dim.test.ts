import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDims,
  broadcastShapes,
  type Dim,
  dimEquals,
  dimText,
  evaluateDim,
  floorDivideDims,
  isSymbolic,
  multiplyDims,
  parseDim,
  productOfDims,
  type SecateurError,
  shapeText,
  subtractDims,
  symbol,
  unifyDims,
} from '../src/index.js';

const [b, h, w] = ['batch', 'height', 'width'].map(symbol);
const sizes = { batch: 3, height: 7, width: 10 };

/** Sums, differences, products and floors of small numbers and three symbols. */
const dims: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.integer({ min: -9, max: 9 }),
    fc.constantFrom(b, h, w),
    fc.tuple(fc.constantFrom(addDims, subtractDims, multiplyDims), tie('dim'), tie('dim')).map(([f, x, y]) => f(x, y)),
    fc.tuple(tie('dim'), fc.integer({ min: 2, max: 9 })).map(([x, n]) => floorDivideDims(x, n)),
  ),
})).dim;

describe('canonical form', () => {
  it.each([
    [addDims(multiplyDims(w, h), multiplyDims(h, w)), '2*height*width'],
    [multiplyDims(addDims(h, 1), addDims(h, -1)), 'height*height-1'],
    [subtractDims(addDims(b, 4), b), '4'],
    [subtractDims(1, h), '-height+1'],
    [multiplyDims(h, 0), '0'],
    [productOfDims([2, h, 3, w]), '6*height*width'],
    [productOfDims([]), '1'],
  ])('%# is %s', (dim, text) => {
    expect(dimText(dim)).toBe(text);
  });

  it('is a plain number as soon as no symbol is left', () => {
    expect(subtractDims(h, h)).toBe(0);
    expect(isSymbolic(subtractDims(addDims(h, 2), h))).toBe(false);
  });

  it('obeys the laws of polynomials', () => {
    fc.assert(
      fc.property(dims, dims, dims, (x, y, z) => {
        expect(dimEquals(addDims(x, y), addDims(y, x))).toBe(true);
        expect(dimEquals(multiplyDims(x, y), multiplyDims(y, x))).toBe(true);
        expect(dimEquals(addDims(x, addDims(y, z)), addDims(addDims(x, y), z))).toBe(true);
        expect(dimEquals(multiplyDims(x, addDims(y, z)), addDims(multiplyDims(x, y), multiplyDims(x, z)))).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('evaluation', () => {
  it('agrees with arithmetic on numbers', () => {
    fc.assert(
      fc.property(dims, dims, (x, y) => {
        const [p, q] = [evaluateDim(x, sizes), evaluateDim(y, sizes)];
        expect(evaluateDim(addDims(x, y), sizes)).toBe(p + q);
        expect(evaluateDim(multiplyDims(x, y), sizes)).toBe(p * q + 0);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('rounds divisions that do not come out even down', () => {
    const half = floorDivideDims(subtractDims(h, 2), 2);
    expect(dimText(half)).toBe('floor(height/2)-1');
    expect(evaluateDim(half, sizes)).toBe(2);
    expect(evaluateDim(addDims(multiplyDims(half, 2), 1), sizes)).toBe(5);
    expect(evaluateDim(floorDivideDims(half, w), { height: 62, width: 10 })).toBe(3);
  });

  it('calls equal floors by one name', () => {
    // As a convolution, an export and a second halving write them.
    const halves = addDims(floorDivideDims(subtractDims(h, 1), 2), 1);
    expect(dimText(halves)).toBe('floor((height+1)/2)');
    expect(dimText(floorDivideDims(floorDivideDims(h, 2), 2))).toBe('floor(height/4)');
    expect(dimText(floorDivideDims(addDims(floorDivideDims(h, 2), 1), 2))).toBe('floor((height+2)/4)');
    fc.assert(
      fc.property(dims, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }), (x, p, q) => {
        const value = Math.floor(Math.floor(evaluateDim(x, sizes) / p) / q);
        expect(evaluateDim(floorDivideDims(floorDivideDims(x, p), q), sizes)).toBe(value + 0);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it('divides exactly where it can', () => {
    expect(dimText(floorDivideDims(multiplyDims(6, h), 3))).toBe('2*height');
    expect(floorDivideDims(7, 2)).toBe(3);
  });

  it('takes a value given for a whole floor as it is', () => {
    expect(evaluateDim(floorDivideDims(h, 2), { 'floor(height/2)': 99 })).toBe(99);
  });

  it('names the symbol that has no value', () => {
    expect(() => evaluateDim(addDims(h, w), { height: 1 })).toThrow(
      expect.objectContaining({ name: 'SecateurError', code: 'SHAPE_MISMATCH', field: 'width' }) as SecateurError,
    );
  });
});

describe('text', () => {
  it('parses back to the same dimension', () => {
    fc.assert(
      fc.property(dims, (dim) => {
        expect(dimText(parseDim(dimText(dim)))).toBe(dimText(dim));
        expect(evaluateDim(parseDim(dimText(dim)), sizes)).toBe(evaluateDim(dim, sizes));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it.each(['batch', 'sample.dim_0', 'unk__12', 'floor((height-1)/2)', 'Sin_3_o0__d1'])(
    'takes %s as one symbol',
    (name) => {
      expect(dimText(parseDim(name))).toBe(name);
    },
  );

  it('shows a shape', () => {
    expect(shapeText([b, 32, multiplyDims(h, w)])).toBe('[batch, 32, height*width]');
    expect(shapeText([])).toBe('[]');
  });
});

describe('unifyDims', () => {
  it('lets a number win over a symbol, and the shorter symbol over the longer', () => {
    expect(unifyDims(4, 4)).toBe(4);
    expect(unifyDims(h, 4)).toBe(4);
    expect(unifyDims(4, h)).toBe(4);
    expect(unifyDims(h, b)).toBe(b);
    expect(unifyDims(4, 5)).toBeUndefined();
  });
});

describe('broadcastShapes', () => {
  it.each([
    [[b, 4, h], [4, 1], '[batch, 4, height]'],
    [[1], [b, 3], '[batch, 3]'],
    [[], [2, 3], '[2, 3]'],
    [[b, 1], [1, h], '[batch, height]'],
    [[0, 1], [1, 5], '[0, 5]'],
  ])('%#: %s', (x, y, text) => {
    expect(shapeText(broadcastShapes(x, y)!)).toBe(text);
    expect(shapeText(broadcastShapes(y, x)!)).toBe(text);
  });

  it('says when shapes do not fit', () => {
    expect(broadcastShapes([2, 3], [4, 3])).toBeUndefined();
  });
});
