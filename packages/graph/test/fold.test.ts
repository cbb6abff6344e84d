import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../src/evaluate.js';
import { foldConstants } from '../src/fold.js';
import { type Graph, GraphBuilder, int, int64, symbol, toNumbers } from '../src/index.js';
import { inferTypes } from '../src/infer.js';
import { noise, values, weight } from './ops/case.js';

const opsOf = (graph: Graph) => graph.nodes.map((node) => node.op);
const image = (b: GraphBuilder) => b.input('x', 'float64', [symbol('batch'), 4, symbol('height'), symbol('width')]);
const dim = (b: GraphBuilder, value: string, axis: number) =>
  b.op('Unsqueeze', [b.op('Gather', [b.op('Shape', [value]), b.tensor(int64([axis], []))]), b.ints([0])]);

function finish(b: GraphBuilder, value: string): Graph {
  b.output(value, 'float64', inferTypes(b.build()).get(value)!.shape);
  return b.build();
}

/** Same outputs before and after, on a picture of odd sizes. */
function expectSame(graph: Graph): Graph {
  const folded = foldConstants(graph);
  const feeds = { x: noise([2, 4, 3, 5]) };
  expect(evaluateGraph(folded, feeds)).toEqual(evaluateGraph(graph, feeds));
  return folded;
}

describe('foldConstants', () => {
  it('states a Reshape target computed from shapes', () => {
    const b = new GraphBuilder('heads');
    const x = image(b);
    const target = b.op('Concat', [dim(b, x, 0), b.ints([2]), dim(b, x, 1), b.ints([-1])], { axis: int(0) });
    const folded = expectSame(finish(b, b.op('Reshape', [x, target])));
    expect(opsOf(folded)).toEqual(['Reshape']);
    expect(toNumbers(folded.constants.get(folded.nodes[0].inputs[1])!.value!)).toEqual([0, 2, 4, -1]);
  });

  it('drops casts to the type that is there already, also of parameters', () => {
    const b = new GraphBuilder('casts', 21);
    const w = b.op('CastLike', [weight(b, 'w', [4, 1, 1]), image(b)]);
    const folded = expectSame(finish(b, b.op('Mul', [b.op('Cast', ['x'], { to: int(11) }), w])));
    expect(opsOf(folded)).toEqual(['Mul']);
    expect(folded.nodes[0].inputs).toEqual(['x', 'w']);
  });

  it('reads the size that may be cut from the shape before when several others are known only at run time', () => {
    const b = new GraphBuilder('unflatten');
    const x = image(b);
    const flat = b.op('Transpose', [b.op('Reshape', [x, b.ints([0, 4, -1])])], {
      perm: { type: 'ints', value: [0, 2, 1] },
    });
    const target = b.op('Concat', [dim(b, x, 0), dim(b, x, 2), dim(b, x, 3), b.ints([4])], { axis: int(0) });
    const folded = expectSame(finish(b, b.op('Reshape', [flat, target])));
    const last = folded.nodes.at(-1)!;
    const sizes = folded.nodes.find((node) => node.outputs[0] === last.inputs[1])!;
    const read = folded.nodes.find((node) => node.outputs[0] === sizes.inputs.at(-1))!;
    const shape = folded.nodes.find((node) => node.outputs[0] === read.inputs[0])!;
    expect([sizes.op, read.op, shape.op, shape.inputs[0]]).toEqual(['Concat', 'Slice', 'Shape', last.inputs[0]]);
  });

  it('leaves the one size that may be cut to -1 where it stands elsewhere', () => {
    const b = new GraphBuilder('elsewhere');
    const x = image(b);
    const target = b.op('Concat', [dim(b, x, 2), dim(b, x, 0), b.ints([4]), dim(b, x, 3)], { axis: int(0) });
    const folded = expectSame(finish(b, b.op('Reshape', [x, target])));
    expect(inferTypes(folded).get(folded.nodes.at(-1)!.inputs[1])!.elements![2]).toBe(-1);
  });

  it('copies by 0 where allowzero means nothing', () => {
    const b = new GraphBuilder('allowzero');
    const x = image(b);
    const target = b.op('Concat', [dim(b, x, 0), dim(b, x, 1), b.ints([-1])], { axis: int(0) });
    const folded = expectSame(finish(b, b.op('Reshape', [x, target], { allowzero: int(1) })));
    expect(folded.nodes[0].attributes).toEqual({});
    expect(toNumbers(folded.constants.get(folded.nodes[0].inputs[1])!.value!)).toEqual([0, 4, -1]);
  });

  it('computes what reads constants alone, but keeps parameters as they are', () => {
    const b = new GraphBuilder('tables');
    const x = image(b);
    const scale = b.op('Transpose', [b.tensor(values([1, 1], [2]))]);
    const w = b.op('Transpose', [weight(b, 'w', [4, 4])]);
    const moved = b.op('Transpose', [x], { perm: { type: 'ints', value: [0, 2, 3, 1] } });
    const folded = foldConstants(
      finish(b, b.op('MatMul', [b.op('MatMul', [moved, w]), b.op('Expand', [scale, b.ints([4, 1])])])),
    );
    expect(opsOf(folded)).toEqual(['Transpose', 'Transpose', 'MatMul', 'MatMul']);
    expect([...folded.constants].filter(([, one]) => one.parameter).map(([name]) => name)).toEqual(['w']);
  });

  it('does not compute large floating-point tensors', () => {
    const b = new GraphBuilder('large');
    const wide = b.op('Expand', [b.tensor(values([1], [1])), b.ints([64, 65])]);
    const graph = finish(b, b.op('Transpose', [wide]));
    expect(opsOf(foldConstants(graph))).toEqual(['Expand', 'Transpose']);
    const small = new GraphBuilder('small');
    const narrow = small.op('Expand', [small.tensor(values([1], [1])), small.ints([64, 64])]);
    expect(opsOf(foldConstants(finish(small, small.op('Transpose', [narrow]))))).toEqual(['Transpose']);
  });

  it('removes Identity and inference-time Dropout, except where they name an output', () => {
    const b = new GraphBuilder('identities');
    const x = image(b);
    const dropped = b.op('Dropout', [b.op('Identity', [x])]);
    b.output(
      b.op('Transpose', [dropped], { perm: { type: 'ints', value: [1, 0, 2, 3] } }),
      'float64',
      [4, symbol('batch'), symbol('height'), symbol('width')],
      'out',
    );
    const folded = expectSame(b.build());
    expect(opsOf(folded)).toEqual(['Transpose', 'Identity']);
    expect(folded.outputs.map((output) => output.name)).toEqual(['out']);
    expect(folded.nodes[0].inputs).toEqual(['x']);
  });

  it('folds twice to the same graph', () => {
    const b = new GraphBuilder('again');
    const x = image(b);
    const folded = foldConstants(
      finish(b, b.op('Reshape', [x, b.op('Concat', [dim(b, x, 0), b.ints([-1])], { axis: int(0) })])),
    );
    expect(opsOf(foldConstants(folded))).toEqual(opsOf(folded));
  });
});
