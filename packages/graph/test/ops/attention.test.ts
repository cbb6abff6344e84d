import { describe, expect, it } from 'vitest';
import { couple } from '../../src/coupling/groups.js';
import { evaluateGraph } from '../../src/evaluate.js';
import { type Attribute, float, GraphBuilder, getFloat, int, ints, symbol, tensor } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { attention } from '../../src/ops/attention.js';
import { removeUnits } from '../../src/surgery/remove-units.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { graphOf, noise, type OpCase, testOps, values, weight } from './case.js';

const [batch, queries, keys] = [symbol('batch'), symbol('queries'), symbol('keys')];
const scale = (value: number) => ({ scale: float(value) });
const inputs = (b: GraphBuilder): string[] => [
  b.input('q', 'float64', [batch, 2, queries, 3]),
  b.input('k', 'float64', [batch, 2, keys, 3]),
  b.input('v', 'float64', [batch, 2, keys, 2]),
];
const feeds = { q: noise([2, 2, 3, 3], 1), k: noise([2, 2, 4, 3], 2), v: noise([2, 2, 4, 2], 3) };
/** Scores of log 1 and log 3: weights of 1/4 and 3/4. */
const small = {
  q: values([1, 1, 1, 1], [Math.log(3)]),
  k: values([1, 1, 2, 1], [0, 1]),
  v: values([1, 1, 2, 1], [4, 8]),
};
const smallInputs = (b: GraphBuilder): string[] =>
  (['q', 'k', 'v'] as const).map((name) => b.input(name, 'float64', small[name].shape));

/** Heads made from, and merged for, linears, as models have them. */
function heads(b: GraphBuilder, attributes: Record<string, Attribute> = {}): void {
  const x = b.input('x', 'float64', [batch, queries, 3]);
  const split = (name: string, perHead: number): string => {
    const projected = b.op('MatMul', [x, weight(b, name, [3, 2 * perHead])]);
    const perm = { perm: ints([0, 2, 1, 3]) };
    return b.op('Transpose', [b.op('Reshape', [projected, b.ints([0, 0, 2, perHead])])], perm);
  };
  const y = b.op('Attention', [split('wq', 3), split('wk', 3), split('wv', 2)], attributes);
  const merged = b.op('Reshape', [b.op('Transpose', [y], { perm: ints([0, 2, 1, 3]) }), b.ints([0, 0, -1])]);
  b.op('MatMul', [merged, weight(b, 'wo', [4, 2])], {}, { name: 'y' });
}

const cases: OpCase[] = [
  {
    op: 'Attention',
    name: 'symbolic lengths; both products are counted',
    opset: 23,
    build: (b) => b.op('Attention', inputs(b), {}, { name: 'y' }),
    shape: '[batch, 2, queries, 2]',
  },
  {
    op: 'Attention',
    name: 'weights of a quarter and three quarters',
    opset: 23,
    build: (b) => b.op('Attention', smallInputs(b), scale(1), { name: 'y' }),
    feeds: small,
    values: [7],
    // 1 x 2 scores of 1 product, 2 products for the one output.
    macs: [0, 4],
  },
  {
    op: 'Attention',
    name: 'numbers are added to the scores',
    opset: 23,
    build: (b) =>
      b.op('Attention', [...smallInputs(b), b.tensor(values([1, 2], [Math.log(3), 0]))], scale(1), { name: 'y' }),
    feeds: small,
    values: [6],
  },
  {
    op: 'Attention',
    name: 'booleans say what is seen',
    opset: 23,
    build: (b) =>
      b.op('Attention', [...smallInputs(b), b.tensor(tensor('bool', [2], Uint8Array.of(1, 0)))], {}, { name: 'y' }),
    feeds: small,
    values: [4],
  },
  {
    op: 'Attention',
    name: 'is_causal hides later keys',
    opset: 23,
    build: (b) => b.op('Attention', smallInputs(b), { is_causal: int(1) }, { name: 'y' }),
    feeds: small,
    values: [4],
  },
  {
    op: 'Attention',
    name: 'heads, sizes of q and k, and sizes of v are units',
    opset: 23,
    build: (b) => heads(b),
    feeds: { x: noise([1, 2, 3]) },
    groups: ['2x wq:1*3 wk:1*3 wv:1*2 wo:0*2', '3x wq:1*2 wk:1*2', '2x wv:1*2 wo:0*2'],
  },
];

testOps([attention], cases);

const masked = (name: string, mask: Parameters<GraphBuilder['tensor']>[0]): GradientCase => ({
  op: 'Attention',
  name,
  opset: 23,
  feeds,
  build: (b) => b.op('Attention', [...inputs(b), b.tensor(mask, 'mask')], scale(0.7), { name: 'y' }),
});

testGradients(
  [attention],
  [
    {
      op: 'Attention',
      name: 'the default scale',
      opset: 23,
      feeds,
      build: (b) => b.op('Attention', inputs(b), {}, { name: 'y' }),
    },
    masked('numbers for every head', noise([2, 1, 4], 4)),
    masked('booleans', tensor('bool', [3, 4], Uint8Array.of(1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1))),
    {
      op: 'Attention',
      name: 'causal',
      opset: 23,
      feeds,
      build: (b) => b.op('Attention', inputs(b), { is_causal: int(1) }, { name: 'y' }),
    },
  ],
);

describe('a cut', () => {
  it('keeps the scale that the old size of heads gave', () => {
    const b = new GraphBuilder('heads', 23);
    heads(b);
    const y = { name: 'y', dtype: 'float64' as const, shape: inferTypes(b.build()).get('y')!.shape };
    const coupling = couple({ ...b.build(), outputs: [y] });
    const group = coupling.groups.find(({ slices }) => slices.length === 2 && slices[0]!.tensor === 'wq')!;
    const { graph } = removeUnits(coupling, new Map([[group.id, [0]]]));
    const node = graph.nodes.find(({ op }) => op === 'Attention')!;
    expect(getFloat(node, 'scale', 0)).toBe(1 / Math.sqrt(3));
  });
});

describe('refusals', () => {
  const refused = (build: (b: GraphBuilder) => void, message: RegExp): void => {
    expect(() => graphOf({ opset: 23, build })).toThrow(message);
  };

  it('names what is not covered', () => {
    refused((b) => b.op('Attention', inputs(b), { softcap: float(5) }, { name: 'y' }), /a soft cap/);
    refused((b) => b.op('Attention', [...inputs(b), '', 'k', 'v'], {}, { name: 'y' }), /caches of past keys/);
    refused((b) => b.multi('Attention', inputs(b), {}, { name: 'y', outputs: 2 }), /outputs other than the first/);
  });

  it('shapes that do not belong together', () => {
    const [q, k] = [feeds.q.shape, [2, 2, 4, 5]];
    refused((b) => {
      b.op('Attention', [b.input('q', 'float64', q), b.input('k', 'float64', k), 'k'], {}, { name: 'y' });
    }, /sizes of queries and keys differ/);
  });

  it('lets a query that sees nothing fail loudly in no engine: its row is NaN here', () => {
    const graph = graphOf({
      opset: 23,
      build: (b) =>
        b.op('Attention', [...smallInputs(b), b.tensor(tensor('bool', [2], Uint8Array.of(0, 0)))], {}, { name: 'y' }),
    });
    expect(Number(evaluateGraph(graph, small).y!.data[0])).toBeNaN();
  });
});
