import { describe, expect, it } from 'vitest';
import { couple, type Graph, int, ints } from '../../src/index.js';
import { TinyGraph } from '../tiny-graphs.js';

const kindsOf = (graph: Graph): string[] => couple(graph).groups.map(({ id, kind }) => `${id} ${kind}`);

describe('neurons', () => {
  it('are the hidden units of two linears, whatever acts on them alone', () => {
    const t = new TinyGraph();
    const hidden = t.b.op('Gelu', [t.linear('in', t.tokens(2), 2, 3)]);
    expect(kindsOf(t.end(t.linear('out', hidden, 3, 2), 2, 'tokens'))).toEqual(['in.w:1 neuron']);
  });

  it('may be gated by a second linear', () => {
    const t = new TinyGraph();
    const x = t.tokens(2);
    const gated = t.b.op('Mul', [t.b.op('Tanh', [t.linear('gate', x, 2, 3)]), t.linear('value', x, 2, 3)]);
    expect(kindsOf(t.end(t.linear('out', gated, 3, 2), 2, 'tokens'))).toEqual(['gate.w:1 neuron']);
  });

  it('may lie beside other channels in front of one linear', () => {
    const t = new TinyGraph();
    const x = t.tokens(2);
    const both = t.b.op('Concat', [t.b.op('Tanh', [t.linear('a', x, 2, 3)]), t.linear('b', x, 2, 2)], {
      axis: int(-1),
    });
    expect(kindsOf(t.end(t.linear('out', both, 5, 2), 2, 'tokens'))).toEqual(['a.w:1 neuron', 'b.w:1 neuron']);
  });

  it('are not the channels of convolutions, streams, norms, or of a single attention head', () => {
    const pixels = new TinyGraph();
    const conv = pixels.conv('b', pixels.b.op('Relu', [pixels.conv('a', pixels.image(2), 2, 3)]), 3, 2);
    expect(kindsOf(pixels.end(conv, 2))).toEqual(['a.w:0 channel']);

    const stream = new TinyGraph();
    const x = stream.linear('first', stream.tokens(2), 2, 3);
    const sum = stream.b.op('Add', [x, stream.linear('branch', x, 3, 3)]);
    expect(kindsOf(stream.end(stream.linear('last', sum, 3, 2), 2, 'tokens'))).toEqual(['first.w:1 channel']);

    const normed = new TinyGraph();
    const scale = normed.weight('scale', 3);
    const hidden = normed.b.op('LayerNormalization', [normed.linear('in', normed.tokens(2), 2, 3), scale]);
    expect(kindsOf(normed.end(normed.linear('out', hidden, 3, 2), 2, 'tokens'))).toEqual(['in.w:1 channel']);

    const head = new TinyGraph();
    const y = head.tokens(2);
    const keys = head.b.op('Transpose', [head.linear('k', y, 2, 3)], { perm: ints([0, 2, 1]) });
    const scores = head.b.op('Softmax', [head.b.op('MatMul', [head.linear('q', y, 2, 3), keys])]);
    const mixed = head.b.op('MatMul', [scores, head.linear('v', y, 2, 3)]);
    expect(kindsOf(head.end(head.linear('o', mixed, 3, 2), 2, 'tokens'))).toEqual(['k.w:1 channel', 'v.w:1 channel']);
  });

  it('are not hidden units that the model gives', () => {
    const t = new TinyGraph();
    const hidden = t.b.op('Tanh', [t.linear('in', t.tokens(2), 2, 3)]);
    t.b.output(hidden, 'float32', [1, 1, 3], 'hidden');
    expect(kindsOf(t.end(t.linear('out', hidden, 3, 2), 2, 'tokens'))).toEqual([]);
  });
});
