import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../src/evaluate.js';
import { constantOf, float32, floatToHalf, GraphBuilder, SecateurError, toNumbers } from '../src/index.js';
import { values } from './ops/case.js';

function product(w = constantOf(float32([2, 1], [0.1, 1]))): GraphBuilder {
  const b = new GraphBuilder('product');
  const y = b.op('MatMul', [b.input('x', 'float32', [1, 2]), b.constant('w', w)], {}, { name: 'y' });
  b.output(b.op('Transpose', [y], {}, { name: 'z' }), 'float32', [1, 1]);
  return b;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SecateurError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('evaluateGraph', () => {
  it('computes the outputs in float32', () => {
    const { z } = evaluateGraph(product().build(), { x: float32([1, 2], [1, 2]) });
    expect(z).toEqual(float32([1, 1], [Math.fround(0.1) + 2]));
  });

  it('computes in float64 throughout when a feed is float64', () => {
    const { z } = evaluateGraph(product().build(), { x: values([1, 2], [1, 2]) });
    expect(z.dtype).toBe('float64');
    expect(z.data[0]).toBe(Math.fround(0.1) + 2);
  });

  it('widens half precision', () => {
    const half = { dtype: 'float16', shape: [2, 1], data: Uint16Array.of(floatToHalf(0.5), floatToHalf(4)) } as const;
    const { z } = evaluateGraph(product(constantOf(half)).build(), { x: float32([1, 2], [1, 2]) });
    expect([z.dtype, ...toNumbers(z)]).toEqual(['float32', 8.5]);
  });

  it('gives inner values when asked, and runs only what they need', () => {
    const b = product();
    b.op('Conv', ['z', 'missing']);
    expect(Object.keys(evaluateGraph(b.build(), { x: float32([1, 2], [1, 2]) }, { outputs: ['y'] }))).toEqual(['y']);
  });

  it('takes a feed in place of a constant', () => {
    const feeds = { x: float32([1, 2], [1, 2]), w: float32([2, 1], [3, 4]) };
    expect(toNumbers(evaluateGraph(product().build(), feeds).z)).toEqual([11]);
  });

  it('names what is missing', () => {
    expect(codeOf(() => evaluateGraph(product().build(), {}))).toBe('BAD_OPTION');
    const onDisk = { ...constantOf(float32([2, 1], [1, 1])), value: undefined };
    expect(codeOf(() => evaluateGraph(product(onDisk).build(), { x: float32([1, 2], [1, 2]) }))).toBe('BAD_DATA');
  });
});
