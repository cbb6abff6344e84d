import { isSymbolic, multiplyDims } from '../dim.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { isFloat, sizeOf, toNumbers } from '../tensor.js';
import { backwardOf } from './backward.js';
import { broadcastElements, broadcastSlots, inferBroadcast, mapBroadcast } from './broadcast.js';
import { tensorOfDoubles } from './doubles.js';
import { intType } from './views.js';

/** The exponent may have another dtype than the base; the result has the base's. */
export const pow: OpRecord = defineOp({
  op: 'Pow',
  infer(context) {
    const shape = inferBroadcast(context);
    const elements = broadcastElements(context, shape, ([base, exponent]) => {
      if (exponent === 2) return multiplyDims(base, base);
      return isSymbolic(base) || isSymbolic(exponent) || exponent < 0 ? undefined : base ** exponent;
    });
    return [intType(context.input(0).dtype, shape, elements)];
  },
  slots: (context) => context.set(0, broadcastSlots(context, [0, 1], 'factor')),
  gradient(context) {
    const g = context.outputGradients[0];
    if (!g) return [undefined, undefined];
    return [
      context.wants(0) ? baseGradient(context, g) : undefined,
      context.wants(1) ? exponentGradient(context, g) : undefined,
    ];
  },
  evaluate(context) {
    const { shape, values } = mapBroadcast([context.input(0), context.input(1)], (a, b) => a ** b);
    return [tensorOfDoubles(context.input(0).dtype, shape, values)];
  },
});

/** g * p * x^(p-1), in cheap operators for the exponents that models use. */
function baseGradient(context: GradientContext, g: string): string {
  const [x, exponent] = context.node.inputs;
  const b = backwardOf(context);
  const p = scalarExponent(context);
  const slope = (): string => {
    if (p === 1) return b.scalar(1);
    if (p === 2) return b.op('Mul', x, b.scalar(2));
    if (p === 3) return b.op('Mul', b.op('Mul', x, x), b.scalar(3));
    if (p === 0.5) return b.op('Div', b.scalar(0.5), context.node.outputs[0]);
    if (p !== undefined) return b.op('Mul', b.op('Pow', x, b.scalar(p - 1)), b.scalar(p));
    const { dtype } = context.input(0);
    const power = context.input(1).dtype === dtype ? exponent : b.cast(exponent, dtype);
    return b.op('Mul', b.op('Pow', x, b.op('Sub', power, b.scalar(1))), power);
  };
  return context.reduceTo(b.op('Mul', g, slope()), context.output(0).shape, 0);
}

/** g * y * log(x): for positive bases, as a variable exponent has no derivative at others. */
function exponentGradient(context: GradientContext, g: string): string {
  const b = backwardOf(context);
  const slope = b.op('Mul', context.node.outputs[0], b.op('Log', context.node.inputs[0]));
  const [from, to] = [context.input(0).dtype, context.input(1).dtype];
  const gradient = b.op('Mul', g, slope);
  return context.reduceTo(from === to ? gradient : b.cast(gradient, to), context.output(0).shape, 1);
}

function scalarExponent(context: GradientContext): number | undefined {
  const exponent = context.constant(1);
  if (!exponent || sizeOf(exponent.shape) !== 1) return undefined;
  return isFloat(exponent.dtype) && exponent.dtype === 'float64' ? Number(exponent.data[0]) : toNumbers(exponent)[0];
}
