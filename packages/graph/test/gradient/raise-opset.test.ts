import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { raiseOpset } from '../../src/gradient/raise-opset.js';
import { defaultOps, type GraphBuilder, int, ints, symbol } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { checkGradient } from '../gradient-check.js';
import { graphOf, noise } from '../ops/case.js';

const batch = symbol('batch');

const old: [name: string, build: (b: GraphBuilder) => void][] = [
  ['Unsqueeze', (b) => b.op('Unsqueeze', ['x'], { axes: ints([1]) }, { name: 'y' })],
  [
    'Squeeze',
    (b) => b.op('Squeeze', [b.op('Unsqueeze', ['x'], { axes: ints([0, 3]) })], { axes: ints([0]) }, { name: 'y' }),
  ],
  ['ReduceSum', (b) => b.op('ReduceSum', ['x'], { axes: ints([1]), keepdims: int(0) }, { name: 'y' })],
  [
    'Split',
    (b) => {
      const [a, c] = b.multi('Split', ['x'], { axis: int(1), split: ints([2, 1]) }, { outputs: 2 });
      b.op('Mul', [a!, c!], {}, { name: 'y' });
    },
  ],
  ['Softmax over the last axis', (b) => b.op('Softmax', ['x'], { axis: int(2) }, { name: 'y' })],
  ['Softmax over all axes but the first', (b) => b.op('Softmax', ['x'], {}, { name: 'y' })],
  ['LogSoftmax over all axes but the first', (b) => b.op('LogSoftmax', ['x'], {}, { name: 'y' })],
];

describe('raiseOpset', () => {
  it.each(old)('%s: the same values, and gradients', (_, build) => {
    const graph = graphOf({
      opset: 11,
      build(b) {
        b.input('x', 'float64', [batch, 3, 2]);
        build(b);
      },
    });
    const raised = raiseOpset(graph, defaultOps);
    expect(raised.opset).toBe(13);
    inferTypes(raised);
    const feeds = { x: noise([2, 3, 2]) };
    expect(evaluateGraph(raised, feeds)).toEqual(evaluateGraph(graph, feeds));
    checkGradient(graph, feeds);
  });

  it('leaves newer graphs as they are', () => {
    const graph = graphOf({ opset: 13, build: (b) => b.op('Neg', [b.input('x', 'float64', [2])], {}, { name: 'y' }) });
    expect(raiseOpset(graph, defaultOps)).toBe(graph);
  });
});
