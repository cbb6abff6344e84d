import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { float, GraphBuilder, int, ints, string, symbol, toNumbers } from '../../src/index.js';
import { matmulOps } from '../../src/ops/matmul.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const tokens = (b: GraphBuilder, width: number) => b.input('x', 'float64', [symbol('batch'), symbol('tokens'), width]);
const rows = (b: GraphBuilder, width: number) => b.input('x', 'float64', [symbol('batch'), width]);

const cases: OpCase[] = [
  {
    op: 'MatMul',
    name: 'weights on the right',
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), symbol('height'), 3]);
      b.op('MatMul', [x, weight(b, 'w', [3, 5])], {}, { name: 'y' });
    },
    shape: '[batch, height, 5]',
    macs: [4 * 3 * 5, 0],
  },
  {
    op: 'MatMul',
    name: 'two activations are products',
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), 2, symbol('height'), 3]);
      b.op('MatMul', [x, b.op('Transpose', [x], { perm: ints([0, 1, 3, 2]) })], {}, { name: 'y' });
    },
    shape: '[batch, 2, height, height]',
    macs: [0, 2 * 4 * 4 * 3],
  },
  {
    op: 'MatMul',
    name: 'a weight that is transposed first is still a weight',
    build(b) {
      const w = b.op('Transpose', [weight(b, 'w', [5, 3])], { perm: ints([1, 0]) });
      b.op('MatMul', [b.input('x', 'float64', [2, 3]), w], {}, { name: 'y' });
    },
    macs: [2 * 3 * 5, 0],
  },
  {
    op: 'MatMul',
    name: 'vectors lose their dimension',
    build: (b) => b.op('MatMul', [b.input('x', 'float64', [3]), b.input('z', 'float64', [3, 2])], {}, { name: 'y' }),
    feeds: { x: values([3], [1, 2, 3]), z: values([3, 2], [1, 2, 3, 4, 5, 6]) },
    shape: '[2]',
    values: [22, 28],
  },
  {
    op: 'MatMul',
    name: 'joins columns of one with rows of the next, through a transposed weight as well',
    build(b) {
      const w2 = b.op('Transpose', [weight(b, 'w2', [3, 4])], { perm: ints([1, 0]) });
      b.op('MatMul', [b.op('MatMul', [tokens(b, 2), weight(b, 'w1', [2, 4])]), w2], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 3, 2]) },
    groups: ['4x w1:1 w2:1'],
  },
  {
    op: 'MatMul',
    name: 'query and key widths go together, and value widths with the output',
    build(b) {
      const x = tokens(b, 2);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => b.op('MatMul', [x, weight(b, name, [2, 4])]));
      const scores = b.op('MatMul', [q, b.op('Transpose', [k], { perm: ints([0, 2, 1]) })]);
      b.op('MatMul', [b.op('MatMul', [scores, v]), weight(b, 'out', [4, 2])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 3, 2]) },
    groups: ['4x q:1 k:1', '4x v:1 out:0'],
  },
  {
    op: 'Gemm',
    name: 'alpha A B + beta C with flags',
    build(b) {
      const [x, w, c] = [
        b.input('x', 'float64', [2, 1]),
        weight(b, 'w', [3, 2], [1, 2, 3, 4, 5, 6]),
        weight(b, 'c', [3], [1, 0, 2]),
      ];
      const attributes = { transA: int(1), transB: int(1), alpha: float(2), beta: float(10) };
      b.op('Gemm', [x, w, c], attributes, { name: 'y' });
    },
    feeds: { x: values([2, 1], [1, 10]) },
    shape: '[1, 3]',
    values: [2 * 21 + 10, 2 * 43, 2 * 65 + 20],
    macs: [6, 0],
  },
  {
    op: 'Gemm',
    name: 'joins by flags: transB makes axis 0',
    build(b) {
      const h = b.op('Gemm', [rows(b, 2), weight(b, 'w1', [4, 2]), weight(b, 'b1', [4])], { transB: int(1) });
      b.op('Gemm', [h, weight(b, 'w2', [4, 3])], {}, { name: 'y' });
    },
    feeds: { x: noise([2, 2]) },
    groups: ['4x w1:0 b1:0 w2:0'],
  },
  {
    op: 'Einsum',
    name: 'a permutation',
    build(b) {
      const x = b.input('x', 'float64', [symbol('batch'), symbol('height'), symbol('width'), 2, 2, 3]);
      b.op('Einsum', [x], { equation: string('nhwpqc->nchpwq') }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 2, 1, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]) },
    shape: '[batch, 3, height, 2, width, 2]',
    values: [0, 2, 4, 6, 1, 3, 5, 7],
    macs: [0, 0],
  },
  {
    op: 'Einsum',
    name: 'a contraction of two operands, with the result left to convention',
    build(b) {
      const [x, z] = [b.input('x', 'float64', [2, 2]), b.input('z', 'float64', [2, 2])];
      b.op('Einsum', [x, z], { equation: string('ij,jk') }, { name: 'y' });
    },
    feeds: { x: values([2, 2], [1, 2, 3, 4]), z: values([2, 2], [1, 0, 1, 1]) },
    shape: '[2, 2]',
    values: [3, 2, 7, 4],
    macs: [0, 8],
  },
  {
    op: 'Einsum',
    name: 'labels join across operands',
    build(b) {
      const h = b.op('Einsum', [tokens(b, 2), weight(b, 'w1', [2, 4])], { equation: string('bti,io->bto') });
      b.op('MatMul', [h, weight(b, 'w2', [4, 3])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 3, 2]) },
    groups: ['4x w1:1 w2:0'],
  },
];

testOps(matmulOps, cases);

it('MatMul equals plain loops for any broadcast batch', () => {
  const dim = fc.integer({ min: 1, max: 3 });
  fc.assert(
    fc.property(fc.tuple(dim, dim, dim, dim, dim), fc.boolean(), fc.boolean(), ([p, q, m, k, n], oneA, oneB) => {
      const [a, z] = [noise([oneA ? 1 : p, q, m, k]), noise([oneB ? 1 : q, k, n], 4)];
      const b = new GraphBuilder('product');
      b.op('MatMul', [b.input('a', 'float64', a.shape), b.input('z', 'float64', z.shape)], {}, { name: 'y' });
      const y = evaluateGraph(b.build(), { a, z }, { outputs: ['y'] }).y;
      expect(y.shape).toEqual([a.shape[0], q, m, n]);
      toNumbers(y).forEach((value, i) => {
        const [column, row, mid, first] = [
          i % n,
          Math.floor(i / n) % m,
          Math.floor(i / (n * m)) % q,
          Math.floor(i / (n * m * q)),
        ];
        let sum = 0;
        for (let j = 0; j < k; j++) {
          const left = a.data[((first * q + mid) * m + row) * k + j];
          sum += Number(left) * Number(z.data[((oneB ? 0 : mid) * k + j) * n + column]);
        }
        expect(value).toBeCloseTo(sum, 5);
      });
    }),
    { seed: 5, numRuns: 50 },
  );
});

const product = (name: string, a: number[], z: number[]): GradientCase => ({
  op: 'MatMul',
  name,
  feeds: { a: noise(a), z: noise(z, 2) },
  build: (b) => b.op('MatMul', [b.input('a', 'float64', a), b.input('z', 'float64', z)], {}, { name: 'y' }),
});

testGradients(matmulOps, [
  product('matrices', [2, 3], [3, 4]),
  product('batches', [2, 2, 2, 3], [2, 2, 3, 4]),
  product('a broadcast batch on the left', [1, 2, 2, 3], [3, 1, 3, 2]),
  product('a matrix against a batch', [2, 3], [2, 2, 3, 2]),
  {
    op: 'MatMul',
    name: 'a weight under symbolic tokens',
    feeds: { x: noise([2, 3, 2]) },
    build: (b) => b.op('MatMul', [tokens(b, 2), weight(b, 'w', [2, 4])], {}, { name: 'y' }),
  },
  ...[0, 1, 2, 3].map(
    (flags): GradientCase => ({
      op: 'Gemm',
      name: `transA ${flags & 1}, transB ${flags >> 1}`,
      feeds: { x: noise(flags & 1 ? [3, 2] : [2, 3]) },
      build(b) {
        const x = b.input('x', 'float64', flags & 1 ? [3, 2] : [2, 3]);
        const w = weight(b, 'w', flags & 2 ? [4, 3] : [3, 4]);
        const attributes = { transA: int(flags & 1), transB: int(flags >> 1), alpha: float(0.5), beta: float(3) };
        b.op('Gemm', [x, w, weight(b, 'c', flags === 0 ? [2, 1] : [4])], attributes, { name: 'y' });
      },
    }),
  ),
  {
    op: 'Einsum',
    name: 'a permutation',
    feeds: { x: noise([2, 1, 2, 3]) },
    build: (b) =>
      b.op('Einsum', [b.input('x', 'float64', [2, 1, 2, 3])], { equation: string('abcd->dacb') }, { name: 'y' }),
  },
  {
    op: 'Einsum',
    name: 'a contraction',
    feeds: { x: noise([2, 3, 2]) },
    build: (b) =>
      b.op('Einsum', [tokens(b, 2), weight(b, 'w', [4, 2])], { equation: string('bti,oi->bto') }, { name: 'y' }),
  },
]);
