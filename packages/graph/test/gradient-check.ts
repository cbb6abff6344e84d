import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../src/evaluate.js';
import { gradient } from '../src/gradient/gradient.js';
import type { Graph } from '../src/graph.js';
import { inferTypes } from '../src/infer.js';
import type { OpRecord } from '../src/op-record.js';
import { isFloat, type Tensor } from '../src/tensor.js';
import { graphOf, noise, type OpCase } from './ops/case.js';

export type GradientCase = Pick<OpCase, 'op' | 'name' | 'opset' | 'build' | 'feeds'> & {
  /** Values to differentiate by. Default: all floating-point feeds and constants. */
  readonly wrt?: readonly string[];
};

/** Checks every case by central differences, and fails when a record with a gradient rule has no case. */
export function testGradients(records: readonly OpRecord[], cases: readonly GradientCase[]): void {
  for (const record of records) {
    const mine = cases.filter((one) => one.op === record.op);
    describe(`gradient of ${record.op}`, () => {
      it('has a case exactly when the record has a rule', () => {
        expect(mine.length > 0).toBe(record.gradient !== 'none');
      });
      for (const one of mine) it(one.name, () => checkGradient(graphOf(one), one.feeds ?? {}, one.wrt));
    });
  }
}

/**
 * Compares the gradients of sum(y * c), with c random, to central differences in float64.
 *
 * With a step of 1e-5 the differences are off by about 1e-10 (the third derivative) and 1e-11 (rounding), so 1e-6 of the
 * largest gradient leaves room for constants that the backward pass holds in single precision.
 */
export function checkGradient(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  wrt: readonly string[] = floatsOf(graph, feeds),
  tolerance = 1e-6,
): void {
  const output = graph.outputs[0]!.name;
  const cotangent = noise(evaluateGraph(graph, feeds)[output]!.shape, 99);
  const backward = gradient(graph, { loss: { kind: 'sum-with', output, cotangent: 'cotangent' }, wrt });
  // The backward graph must itself be well-typed, with the gradients' own shapes.
  const types = inferTypes(backward);
  const result = evaluateGraph(backward, { ...feeds, cotangent });
  const loss = (changed: Record<string, Tensor>): number => {
    const y = evaluateGraph(graph, { ...feeds, ...changed })[output]!;
    return Array.from(y.data as Float64Array).reduce((sum, value, i) => sum + value * Number(cotangent.data[i]), 0);
  };
  expect(Number(result.loss!.data[0])).toBeCloseTo(loss({}), 9);
  for (const name of wrt) {
    const value = feeds[name] ?? graph.constants.get(name)!.value!;
    const actual = result[`grad.${name}`]!;
    expect(actual.shape).toEqual(value.shape);
    expect(types.get(`grad.${name}`)!.shape.length).toBe(value.shape.length);
    const expected = differences(value, (changed) => loss({ [name]: changed }));
    expect(relativeError(actual, expected)).toBeLessThan(tolerance);
  }
}

function floatsOf(graph: Graph, feeds: Readonly<Record<string, Tensor>>): string[] {
  const constants = [...graph.constants].filter(([, constant]) => isFloat(constant.dtype)).map(([name]) => name);
  return [...Object.keys(feeds).filter((name) => isFloat(feeds[name]!.dtype)), ...constants];
}

/** (f(x + h) - f(x - h)) / 2h for every element of x. */
function differences(value: Tensor, f: (changed: Tensor) => number, step = 1e-5): Float64Array {
  const at = (i: number, delta: number): Tensor => {
    const data = Float64Array.from(value.data, Number);
    data[i]! += delta;
    return { dtype: 'float64', shape: value.shape, data };
  };
  return Float64Array.from({ length: value.data.length }, (_, i) => (f(at(i, step)) - f(at(i, -step))) / (2 * step));
}

function relativeError(actual: Tensor, expected: Float64Array): number {
  let error = 0;
  let size = 1e-4;
  expected.forEach((value, i) => {
    error = Math.max(error, Math.abs(Number(actual.data[i]) - value));
    size = Math.max(size, Math.abs(value));
  });
  // A NaN compares false with everything; say so loudly.
  return expected.some((value, i) => Number.isNaN(value - Number(actual.data[i]))) ? Number.NaN : error / size;
}
