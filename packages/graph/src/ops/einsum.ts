import { type Dim, productOfDims, shapeText, unifyDims } from '../dim.js';
import { type GraphNode, getString, string } from '../graph.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { allocate, sizeOf, stridesOf, tensor } from '../tensor.js';
import { macsOf } from './macs-of.js';

/** Labels of the operands and of the result, one character an axis. */
interface Equation {
  readonly operands: readonly string[];
  readonly result: string;
}

function parseEquation(node: GraphNode, fail: (message: string) => never): Equation {
  const text = getString(node, 'equation', '').replace(/\s/g, '');
  const [left, right] = text.split('->');
  const operands = left.split(',');
  if (!/^[A-Za-z,]+$/.test(left) || operands.some((labels) => new Set(labels).size !== labels.length)) {
    fail(`equation "${text}" is not covered: labels must be letters, each once an operand`);
  }
  if (operands.length > 2) fail(`equation "${text}" has ${operands.length} operands; 1 or 2 are covered`);
  const counts = new Map<string, number>();
  for (const label of operands.join('')) counts.set(label, (counts.get(label) ?? 0) + 1);
  // Without an arrow the result has the labels that occur once, in alphabetical order.
  const result =
    right ??
    [...counts.keys()]
      .filter((label) => counts.get(label) === 1)
      .sort()
      .join('');
  for (const label of result) if (!counts.has(label)) fail(`equation "${text}": label ${label} is in no operand`);
  return { operands, result };
}

export const einsumRecord: OpRecord = defineOp({
  op: 'Einsum',
  infer(context) {
    const { operands, result } = parseEquation(context.node, context.fail);
    const dims = new Map<string, Dim>();
    operands.forEach((labels, i) => {
      const { shape } = context.input(i);
      if (shape.length !== labels.length) {
        context.fail(`operand ${i} is ${shapeText(shape)}; "${labels}" has ${labels.length} axes`);
      }
      [...labels].forEach((label, axis) => {
        const dim = unifyDims(dims.get(label) ?? shape[axis], shape[axis]);
        dims.set(label, dim ?? context.fail(`label ${label} stands for two sizes`));
      });
    });
    return [{ dtype: context.input(0).dtype, shape: [...result].map((label) => dims.get(label)!) }];
  },
  macs(context) {
    const { operands } = parseEquation(context.node, context.fail);
    if (operands.length === 1) return { weights: 0, products: 0 };
    const count = productOfDims([...labelDims(operands, (i) => context.input(i).shape).values()]);
    return macsOf(context, count);
  },
  slots(context) {
    const { operands, result } = parseEquation(context.node, fail);
    const axes = new Map<string, ReturnType<typeof context.blank>>();
    operands.forEach((labels, i) => {
      [...labels].forEach((label, axis) => {
        const mine = context.axes(i)[axis];
        const other = axes.get(label);
        if (other) context.join(other, mine);
        else axes.set(label, mine);
        if (operands.length === 2) context.role(i, axis, result.includes(label) ? 'producer' : 'consumer');
      });
    });
    context.set(
      0,
      [...result].map((label) => axes.get(label)!),
    );
  },
  gradient: einsumGradient,
  evaluate(context) {
    const { operands, result } = parseEquation(context.node, fail);
    const inputs = operands.map((_, i) => context.input(i));
    const sizes = labelDims(operands, (i) => inputs[i].shape);
    const summed = [...sizes.keys()].filter((label) => !result.includes(label));
    const order = [...result, ...summed];
    const dims = order.map((label) => sizes.get(label)!);
    const shape = dims.slice(0, result.length);
    const inner = sizeOf(dims.slice(result.length));
    const walks = operands.map((labels, i) => {
      const strides = stridesOf(inputs[i].shape);
      return order.map((label) => (labels.includes(label) ? strides[labels.indexOf(label)] : 0));
    });
    const data = allocate(inputs[0].dtype, sizeOf(shape));
    const index = new Array<number>(order.length).fill(0);
    for (let to = 0; to < data.length; to++) {
      let sum = 0;
      for (let j = 0; j < inner; j++) {
        sum += walks.reduce((product, walk, i) => product * Number(inputs[i].data[dot(walk, index)]), 1);
        for (let axis = order.length - 1; axis >= 0 && ++index[axis] === dims[axis]; axis--) index[axis] = 0;
      }
      data[to] = sum;
    }
    return [tensor(inputs[0].dtype, shape, data)];
  },
});

/** What every label stands for. */
function labelDims<T extends Dim>(operands: readonly string[], shapeOf: (i: number) => readonly T[]): Map<string, T> {
  const dims = new Map<string, T>();
  for (const [i, labels] of operands.entries()) {
    for (const [axis, label] of [...labels].entries()) dims.set(label, shapeOf(i)[axis]);
  }
  return dims;
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function fail(message: string): never {
  throw new Error(message);
}

/** Every operand's gradient is an Einsum of the result's gradient with the other operand. */
function einsumGradient(context: GradientContext): (string | undefined)[] {
  const { builder, node, outputGradients } = context;
  const gradient = outputGradients[0];
  const { operands, result } = parseEquation(node, context.fail);
  return operands.map((labels, i) => {
    if (!gradient || !context.wants(i)) return undefined;
    const other = operands.length === 2 ? 1 - i : undefined;
    const known = result + (other === undefined ? '' : operands[other]);
    for (const label of labels) {
      if (!known.includes(label)) context.fail(`label ${label} of "${labels}" is summed away on its own`);
    }
    const equation = [result, ...(other === undefined ? [] : [operands[other]])].join(',');
    const inputs = other === undefined ? [gradient] : [gradient, node.inputs[other]];
    return builder.op('Einsum', inputs, { equation: string(`${equation}->${labels}`) });
  });
}
