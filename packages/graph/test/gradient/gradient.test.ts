import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { type GradientRequest, gradient } from '../../src/gradient/gradient.js';
import {
  constantOf,
  type DType,
  defaultOps,
  defineOp,
  float,
  type Graph,
  GraphBuilder,
  int,
  ints,
  symbol,
  tensor,
  withOps,
} from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { checkGradient } from '../gradient-check.js';
import { noise, values, weight } from '../ops/case.js';

const batch = symbol('batch');
const mse = { kind: 'mse', output: 'y' } as const;

function graphOf(build: (b: GraphBuilder) => void, opset = 18): Graph {
  const b = new GraphBuilder('case', opset);
  build(b);
  const graph = b.build();
  const { dtype, shape } = inferTypes(graph).get('y')!;
  return { ...graph, outputs: [{ name: 'y', dtype, shape }] };
}

/** y = x w, with w = (2, -1). */
const linear = graphOf((b) => {
  b.op('MatMul', [b.input('x', 'float64', [batch, 2]), weight(b, 'w', [2, 1], [2, -1])], {}, { name: 'y' });
});
const feeds = { x: values([2, 2], [1, 2, 3, 4]), target: values([2, 1], [1, 4]) };

describe('mse', () => {
  it('loss, its samples and gradients, by hand', () => {
    // y = (0, 2), y - target = (-1, -2); d loss / d y = (-1, -2).
    const result = evaluateGraph(gradient(linear, { loss: mse, wrt: ['w', 'x'] }), feeds);
    expect(result.loss).toEqual(values([], [2.5]));
    expect(result['loss.samples']).toEqual(values([2], [1, 4]));
    expect(result['grad.w']).toEqual(values([2, 1], [-7, -10]));
    expect(result['grad.x']).toEqual(values([2, 2], [-2, 1, -4, 2]));
  });

  it.each([13, 18, 21, 23])('opset %i: the samples of a picture are means over all but the batch', (opset) => {
    const graph = graphOf(
      (b) => b.op('Identity', [b.input('x', 'float64', [batch, 2, symbol('height')])], {}, { name: 'y' }),
      opset,
    );
    const backward = gradient(graph, { loss: { ...mse, target: 'noise' }, wrt: ['x'] });
    expect(backward.opset).toBe(opset);
    expect(inferTypes(backward).get('grad.x')!.shape).toEqual([batch, 2, symbol('height')]);
    const x = values([2, 2, 2], [1, 2, 3, 4, 0, 0, 2, 0]);
    const result = evaluateGraph(backward, { x, noise: values([2, 2, 2], new Array(8).fill(0)) });
    expect(result['loss.samples']).toEqual(values([2], [7.5, 1]));
    expect(result.loss).toEqual(values([], [4.25]));
    expect(result['grad.x']).toEqual(
      values(
        [2, 2, 2],
        Array.from(x.data as Float64Array, (value) => value / 4),
      ),
    );
  });

  it('half precision: the loss is single, the gradient half', () => {
    const graph = graphOf((b) => b.op('Sqrt', [b.input('x', 'float16', [batch, 2])], {}, { name: 'y' }));
    const types = inferTypes(gradient(graph, { loss: mse, wrt: ['x'] }));
    const dtypes = ['loss', 'loss.samples', 'grad.x'].map((name): DType => types.get(name)!.dtype);
    expect(dtypes).toEqual(['float32', 'float32', 'float16']);
  });
});

describe('sum-with', () => {
  it('is a vector-Jacobian product', () => {
    const request: GradientRequest = { loss: { kind: 'sum-with', output: 'y', cotangent: 'v' }, wrt: ['w'] };
    const result = evaluateGraph(gradient(linear, request), { x: feeds.x, v: values([2, 1], [1, 10]) });
    expect(result['grad.w']).toEqual(values([2, 1], [31, 42]));
    expect(result.loss).toEqual(values([], [20]));
    expect(result['loss.samples']).toEqual(values([2], [0, 20]));
  });
});

describe('the walk back', () => {
  it('adds up the contributions of a value that is used often', () => {
    const graph = graphOf((b) => {
      const x = b.input('x', 'float64', [batch, 3]);
      const square = b.op('Mul', [x, x]);
      b.op('Add', [b.op('Mul', [square, x]), b.op('Add', [x, square])], {}, { name: 'y' });
    });
    checkGradient(graph, { x: noise([2, 3]) });
  });

  it('leaves alone what does not depend on a wanted value', () => {
    const graph = graphOf((b) => {
      const t = b.op('Exp', [b.op('Sin', [b.input('t', 'float64', [batch, 2])])]);
      b.op('Mul', [t, weight(b, 'w', [2])], {}, { name: 'y' });
    });
    const backward = gradient(graph, { loss: mse, wrt: ['w'] });
    expect(backward.nodes.filter((node) => node.op === 'Cos')).toEqual([]);
    checkGradient(graph, { t: noise([2, 2]) }, ['w']);
  });

  it('stops at integers and comparisons, which carry no gradient', () => {
    const graph = graphOf((b) => {
      const x = b.input('x', 'float64', [batch, 2]);
      const mask = b.op('Cast', [b.op('Greater', [x, b.tensor(values([], [0]))])], { to: int(11) });
      b.op('Mul', [mask, x], {}, { name: 'y' });
    });
    checkGradient(graph, { x: noise([2, 2]) });
  });

  it('gives zeros where the output does not depend on a value', () => {
    const graph = graphOf((b) => {
      weight(b, 'idle', [2, 3]);
      b.op('Floor', [weight(b, 'rounded', [2, 2])], {}, { name: 'r' });
      b.op('Mul', [b.input('x', 'float64', [batch, 2]), 'r'], {}, { name: 'y' });
    });
    const backward = gradient({ ...graph, nodes: graph.nodes }, { loss: mse, wrt: ['idle', 'rounded'] });
    const result = evaluateGraph(backward, { x: noise([2, 2]), target: noise([2, 2]) });
    expect(Array.from(result['grad.idle']!.data, Number)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Array.from(result['grad.rounded']!.data, Number)).toEqual([0, 0, 0, 0]);
    expect(result['grad.idle']!.shape).toEqual([2, 3]);
  });

  it('differentiates by values in the middle as well', () => {
    const graph = graphOf((b) => {
      const h = b.op('Tanh', [b.input('x', 'float64', [batch, 2])], {}, { name: 'h' });
      b.op('Mul', [h, h], {}, { name: 'y' });
    });
    const result = evaluateGraph(
      gradient(graph, { loss: { kind: 'sum-with', output: 'y', cotangent: 'v' }, wrt: ['h', 'x'] }),
      {
        x: values([1, 2], [0, Math.log(2)]),
        v: values([1, 2], [1, 1]),
      },
    );
    expect(Array.from(result['grad.h']!.data, Number)).toEqual([0, 1.2].map((value) => expect.closeTo(value, 14)));
    expect(Array.from(result['grad.x']!.data, Number)).toEqual(
      [0, 1.2 * 0.64].map((value) => expect.closeTo(value, 14)),
    );
  });

  it('the output itself has the cotangent as its gradient', () => {
    const v = noise([2, 1], 3);
    const request: GradientRequest = { loss: { kind: 'sum-with', output: 'y', cotangent: 'v' }, wrt: ['y'] };
    expect(evaluateGraph(gradient(linear, request), { x: feeds.x, v })['grad.y']).toEqual(v);
  });
});

describe('a residual block', () => {
  // GroupNorm, SiLU, Conv, a time embedding added per channel, a skip connection: what a UNet is made of.
  const block = (opset: number): Graph =>
    graphOf((b) => {
      const x = b.input('x', 'float64', [batch, 4, symbol('height'), symbol('width')]);
      const time = b.op('MatMul', [b.input('t', 'float64', [batch, 3]), weight(b, 'time', [3, 4])]);
      const attributes = { num_groups: int(2), epsilon: float(1e-3) };
      const normal = b.op('GroupNormalization', [x, weight(b, 'scale', [4]), weight(b, 'bias', [4])], attributes);
      const active = b.op('Mul', [normal, b.op('Sigmoid', [normal])]);
      const convolved = b.op('Conv', [active, weight(b, 'conv', [4, 4, 3, 3]), weight(b, 'shift', [4])], {
        pads: ints([1, 1, 1, 1]),
      });
      const timed = b.op('Add', [convolved, b.op('Unsqueeze', [time, b.ints([2, 3])])]);
      b.op('Add', [timed, x], {}, { name: 'y' });
    }, opset);

  it.each([13, 18, 21])('opset %i: all gradients agree with central differences', (opset) => {
    checkGradient(block(opset), { x: noise([2, 4, 3, 2], 21), t: noise([2, 3], 22) });
  });
});

describe('the new graph', () => {
  it('keeps the outputs when asked to, else drops what nothing needs', () => {
    const graph = graphOf((b) => {
      const x = b.input('x', 'float64', [batch, 2]);
      b.op('Mul', [b.op('Add', [x, weight(b, 'w', [2])]), weight(b, 'v', [2])], {}, { name: 'y' });
    });
    const named = (keepOutputs: boolean) =>
      gradient(graph, { loss: mse, wrt: ['w'], keepOutputs }).outputs.map((output) => output.name);
    expect(named(false)).toEqual(['loss', 'loss.samples', 'grad.w']);
    expect(named(true)).toEqual(['y', 'loss', 'loss.samples', 'grad.w']);
    const vjp = gradient(graph, { loss: { kind: 'sum-with', output: 'y', cotangent: 'c' }, wrt: ['w'] });
    const live = new Set(vjp.nodes.flatMap((node) => [...node.inputs, ...node.outputs]));
    expect([...vjp.constants.keys()].every((name) => live.has(name))).toBe(true);
  });

  it('shares the constants and leaves the given graph as it was', () => {
    const before = JSON.stringify(linear.nodes);
    const backward = gradient(linear, { loss: mse, wrt: ['w'] });
    expect(backward.constants.get('w')).toBe(linear.constants.get('w'));
    expect(JSON.stringify(linear.nodes)).toBe(before);
    expect(linear.outputs.map((output) => output.name)).toEqual(['y']);
  });

  it('takes no name twice, whatever the graph calls its own', () => {
    const graph = graphOf((b) => {
      const x = b.input('x', 'float64', [batch, 2]);
      b.op('Mul', [b.op('Mul', [x, x], {}, { name: 'backward/loss/Sub' }), x], {}, { name: 'y' });
    });
    const backward = gradient(graph, { loss: mse, wrt: ['x'] });
    const names = backward.nodes.flatMap((node) => node.outputs);
    expect(new Set(names).size).toBe(names.length);
    checkGradient(graph, { x: noise([2, 2]) });
  });
});

describe('refusals', () => {
  const refused = (graph: Graph, request: Partial<GradientRequest>, code: string, message: RegExp): void => {
    const run = () => gradient(graph, { loss: mse, wrt: ['x'], ...request });
    expect(run).toThrowError(expect.objectContaining({ code }));
    expect(run).toThrowError(message);
  };

  it('lists every operator without a rule', () => {
    const record = defineOp({
      op: 'Riddle',
      infer: (context) => [context.input(0)],
      slots: (context) => context.set(0, context.axes(0)),
      gradient: (context) => context.fail('nobody knows'),
      evaluate: (context) => [context.input(0)],
    });
    const b = new GraphBuilder('case');
    const riddle = b.op('Riddle', [b.input('x', 'float32', [batch, 2])], {}, { name: 'first' });
    b.op('Riddle', [b.op('Exp', [riddle])], {}, { name: 'y' });
    const graph = b.build();
    refused(graph, { ops: withOps(defaultOps, [record]) }, 'NO_GRADIENT', /Riddle "y".*nobody knows.*Riddle "first"/);
  });

  it('names that are not there, of integers, or taken', () => {
    refused(linear, { wrt: ['z'] }, 'BAD_OPTION', /"z" is not a value/);
    const graph = graphOf((b) => {
      b.constant('indices', constantOf(tensor('int64', [1], BigInt64Array.of(1n))));
      b.op('Identity', [b.input('x', 'float32', [batch, 2])], {}, { name: 'y' });
    });
    refused(graph, { wrt: ['indices'] }, 'BAD_OPTION', /"indices" holds int64/);
    refused(linear, { loss: { ...mse, target: 'w' } }, 'BAD_OPTION', /has a value "w" already/);
  });

  it('scalar outputs', () => {
    const scalar = graphOf((b) =>
      b.op('ReduceSum', [b.input('x', 'float32', [2])], { keepdims: int(0) }, { name: 'y' }),
    );
    refused(scalar, {}, 'BAD_OPTION', /"y" is a scalar/);
  });
});
