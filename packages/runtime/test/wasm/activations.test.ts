import { evaluateGraph, getString, toFloat32 } from '@secateur/graph';
import { relativeError } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { nameActivations } from '../../src/wasm/patterns/activations.js';
import { Sketch, wave } from './cases.js';

type Build = (b: Sketch, x: string) => string;

function graphOf(build: Build) {
  const b = new Sketch('activation', 18);
  const x = b.input('x', 'float32', [40]);
  b.output(build(b, x), 'float32', [40], 'y');
  return b.build();
}

const tanhOf = (b: Sketch, x: string, cube: string) => {
  const inner = b.op('Add', [x, b.op('Mul', [cube, b.scalar(0.044715)])]);
  return b.op('Add', [b.op('Tanh', [b.op('Mul', [inner, b.scalar(Math.sqrt(2 / Math.PI))])]), b.scalar(1)]);
};

describe('activations by what they compute', () => {
  it.each<[string, string, Build]>([
    ['x sigmoid(x)', 'Swish', (b, x) => b.op('Mul', [b.op('Sigmoid', [x]), x])],
    [
      'erf, halved last',
      'Gelu',
      (b, x) => {
        const erf = b.op('Erf', [b.op('Div', [x, b.scalar(Math.SQRT2)])]);
        return b.op('Mul', [b.op('Mul', [x, b.op('Add', [erf, b.scalar(1)])]), b.scalar(0.5)]);
      },
    ],
    [
      'erf, halved first',
      'Gelu',
      (b, x) => {
        const erf = b.op('Erf', [b.op('Mul', [x, b.scalar(Math.SQRT1_2)])]);
        return b.op('Mul', [b.op('Mul', [x, b.scalar(0.5)]), b.op('Add', [b.scalar(1), erf])]);
      },
    ],
    [
      'tanh, the cube by Pow',
      'Gelu tanh',
      (b, x) => b.op('Mul', [b.op('Mul', [x, b.scalar(0.5)]), tanhOf(b, x, b.op('Pow', [x, b.scalar(3)]))]),
    ],
    [
      'tanh, the cube by Mul',
      'Gelu tanh',
      (b, x) => b.op('Mul', [b.op('Mul', [x, tanhOf(b, x, b.op('Mul', [b.op('Mul', [x, x]), x]))]), b.scalar(0.5)]),
    ],
  ])('%s is %s', (_, name, build) => {
    const graph = graphOf(build);
    const named = nameActivations(graph);
    const ops = named.nodes.map((node) => `${node.op} ${getString(node, 'approximate', '')}`.trim());
    expect(ops.filter((op) => op !== 'Identity')).toEqual([name]);
    const feeds = { x: wave([40]) };
    const [actual, expected] = [named, graph].map((of) => toFloat32(evaluateGraph(of, feeds).y!));
    expect(relativeError(actual!, expected!)).toBeLessThan(1e-6);
  });

  it.each<[string, Build]>([
    ['a gate of another value', (b, x) => b.op('Mul', [b.op('Tanh', [x]), b.op('Sigmoid', [b.op('Neg', [x])])])],
    ['the quick GELU', (b, x) => b.op('Mul', [x, b.op('Sigmoid', [b.op('Mul', [x, b.scalar(1.702)])])])],
    ['a sigmoid alone', (b, x) => b.op('Sigmoid', [x])],
  ])('%s stays', (_, build) => {
    const graph = graphOf(build);
    expect(nameActivations(graph)).toBe(graph);
  });

  it('keeps what something else reads', () => {
    const graph = graphOf((b, x) => {
      const sigmoid = b.op('Sigmoid', [x]);
      return b.op('Add', [b.op('Mul', [x, sigmoid]), sigmoid]);
    });
    const ops = nameActivations(graph).nodes.map(({ op }) => op);
    expect(ops).toContain('Swish');
    expect(ops).toContain('Sigmoid');
  });
});
