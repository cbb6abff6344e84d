import { type Dim, dimEquals, isSymbolic } from '../dim.js';
import { getInt } from '../graph.js';
import { defineOp, type EvaluateContext, type OpRecord } from '../op-record.js';
import { broadcastElements, broadcastSlots, inferBroadcast, mapBroadcast } from './broadcast.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { unaryOp } from './unary.js';
import { intType } from './views.js';

/** A comparison or logical operator of two inputs; the result is a bool tensor. */
function compare(
  op: string,
  f: (a: number, b: number) => boolean,
  element: (a: Dim, b: Dim) => boolean | undefined = (a, b) => (isSymbolic(a) || isSymbolic(b) ? undefined : f(a, b)),
): OpRecord {
  return defineOp({
    op,
    infer(context) {
      const shape = inferBroadcast(context);
      const elements = broadcastElements(context, shape, ([a, b]) => {
        const known = element(a, b);
        return known === undefined ? undefined : Number(known);
      });
      return [intType('bool', shape, elements)];
    },
    slots: (context) => context.set(0, broadcastSlots(context, [0, 1], 'factor')),
    gradient: 'none',
    evaluate(context) {
      const { shape, values } = mapBroadcast([context.input(0), context.input(1)], (a, b) => Number(f(a, b)));
      return [tensorOfDoubles('bool', shape, values)];
    },
  });
}

/** Tells something about every number; the result is a bool tensor. */
function test(op: string, f: (x: number, context: EvaluateContext) => boolean): OpRecord {
  return defineOp({
    op,
    infer: (context) => [{ dtype: 'bool', shape: context.input(0).shape }],
    slots: (context) => context.set(0, context.axes(0)),
    gradient: 'none',
    evaluate(context) {
      const x = doublesOf(context.input(0));
      const { shape } = context.input(0);
      return [
        tensorOfDoubles(
          'bool',
          shape,
          Float64Array.from(x, (value) => Number(f(value, context))),
        ),
      ];
    },
  });
}

/** Equality of two sizes; a symbolic size that is surely positive differs from every number below 1. */
function sameSize(a: Dim, b: Dim): boolean | undefined {
  if (dimEquals(a, b)) return true;
  if (!isSymbolic(a) && !isSymbolic(b)) return false;
  return (isPositive(a) && isBelowOne(b)) || (isPositive(b) && isBelowOne(a)) ? false : undefined;
}

function isPositive(dim: Dim): boolean {
  return isSymbolic(dim) && [...dim.terms.values()].every((coefficient) => coefficient > 0);
}

function isBelowOne(dim: Dim): boolean {
  return !isSymbolic(dim) && dim < 1;
}

export const compareOps: readonly OpRecord[] = [
  compare('Equal', (a, b) => a === b, sameSize),
  compare('Less', (a, b) => a < b),
  compare('LessOrEqual', (a, b) => a <= b),
  compare('Greater', (a, b) => a > b),
  compare('GreaterOrEqual', (a, b) => a >= b),
  compare('And', (a, b) => a !== 0 && b !== 0),
  compare('Or', (a, b) => a !== 0 || b !== 0),
  test('IsNaN', Number.isNaN),
  test('IsInf', (x, { node }) =>
    x === Number.POSITIVE_INFINITY
      ? getInt(node, 'detect_positive', 1) === 1
      : x === Number.NEGATIVE_INFINITY && getInt(node, 'detect_negative', 1) === 1),
  unaryOp({
    op: 'Not',
    f: (x) => Number(x === 0),
    gradient: 'none',
    element: (x) => (isSymbolic(x) ? undefined : Number(x === 0)),
  }),
];
