import type { Dim } from '../dim.js';
import type { GraphNode } from '../graph.js';
import { defineOp, type GradientContext, type OpRecord, type ValueType } from '../op-record.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { intType } from './views.js';

/** Names of the values a gradient formula is made of: `g` the output's gradient, `x` the input, `y` the output. */
export interface UnaryValues {
  readonly g: string;
  readonly x: string;
  readonly y: string;
  readonly node: GraphNode;
}

/** An operator that maps every element alone, without regard to its neighbours. */
export interface Unary {
  readonly op: string;
  readonly domain?: string;
  f(x: number, node: GraphNode): number;
  /** Gradient of x, or `'none'` where it is zero everywhere. */
  readonly gradient: ((b: Backward, values: UnaryValues) => string) | 'none';
  /** Result for an element known as a dimension; `undefined` when it is not known. */
  element?(x: Dim): Dim | undefined;
}

export function unaryOp({ op, domain, f, gradient, element }: Unary): OpRecord {
  return defineOp({
    op,
    domain,
    infer(context) {
      const { dtype, shape } = context.input(0);
      return [intType(dtype, shape, mapElements(context.elements(0), element))];
    },
    slots: (context) => context.set(0, context.axes(0)),
    gradient: gradient === 'none' ? 'none' : (context) => [unaryGradient(context, gradient)],
    evaluate(context) {
      const { dtype, shape } = context.input(0);
      const x = doublesOf(context.input(0));
      return [
        tensorOfDoubles(
          dtype,
          shape,
          Float64Array.from(x, (value) => f(value, context.node)),
        ),
      ];
    },
  });
}

function unaryGradient(
  context: GradientContext,
  formula: (b: Backward, values: UnaryValues) => string,
): string | undefined {
  const { node, outputGradients } = context;
  const g = outputGradients[0];
  if (!g || !context.wants(0)) return undefined;
  return formula(backwardOf(context), { g, x: node.inputs[0], y: node.outputs[0], node });
}

/** Elements of the result, if all of them are known. */
export function mapElements(
  elements: readonly Dim[] | undefined,
  f: ((x: Dim) => Dim | undefined) | undefined,
): ValueType['elements'] {
  if (!elements || !f) return undefined;
  const mapped = elements.map(f);
  return mapped.includes(undefined) ? undefined : (mapped as Dim[]);
}
