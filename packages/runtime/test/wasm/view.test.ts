import { describe, expect, it } from 'vitest';
import {
  broadcastView,
  isDense,
  isWhole,
  newBuffer,
  orderOf,
  reshapeView,
  sliceView,
  transposeView,
  type View,
  wholeView,
} from '../../src/wasm/view.js';

/** `[batch 2, tokens 3, channels 4]`, channels before tokens in memory. */
const tokens = wholeView(newBuffer('x', 24), [2, 3, 4], [0, 2, 1]);
const parts = ({ shape, strides, offset }: View) => ({ shape, strides, offset });

describe('views', () => {
  it('lie in the order of their axes', () => {
    expect(tokens.strides).toEqual([12, 1, 3]);
    expect(orderOf(tokens)).toEqual([0, 2, 1]);
    expect(isDense(tokens, [0, 2, 1])).toBe(true);
    expect(isDense(tokens, [0, 1, 2])).toBe(false);
    expect(isWhole(tokens)).toBe(true);
  });

  it('do not ask where an axis of one element lies', () => {
    const view = wholeView(newBuffer('x', 6), [1, 2, 1, 3]);
    expect(isDense({ ...view, strides: [99, 3, 99, 1] }, [2, 1, 0, 3])).toBe(true);
    expect(orderOf(view)).toEqual([0, 1, 2, 3]);
  });

  it('turn and slice without a copy', () => {
    expect(parts(transposeView(tokens, [0, 2, 1]))).toEqual({ shape: [2, 4, 3], strides: [12, 3, 1], offset: 0 });
    const slice = sliceView(tokens, 2, 1, 2);
    expect(parts(slice)).toEqual({ shape: [2, 3, 2], strides: [12, 1, 3], offset: 3 });
    expect(isWhole(slice)).toBe(false);
    expect(parts(sliceView(tokens, 1, 2, 2, -2))).toEqual({ shape: [2, 2, 4], strides: [12, -2, 3], offset: 2 });
    expect(parts(broadcastView(sliceView(tokens, 1, 0, 1), [5, 2, 3, 4])).strides).toEqual([0, 12, 0, 3]);
  });

  it('split and join axes that follow one another in memory', () => {
    // Four channels as two heads of two: [2, 3, 2, 2].
    expect(reshapeView(tokens, [2, 3, 2, 2])!.strides).toEqual([12, 1, 6, 3]);
    expect(reshapeView(transposeView(tokens, [0, 2, 1]), [8, 3])!.strides).toEqual([3, 1]);
    expect(reshapeView(tokens, [2, 1, 3, 4, 1])!.strides.filter((_, i) => i !== 1 && i !== 4)).toEqual([12, 1, 3]);
  });

  it('say when a reshape has to copy', () => {
    expect(reshapeView(tokens, [2, 12])).toBeUndefined();
    expect(reshapeView(tokens, [6, 4])).toBeUndefined();
  });
});
