import { float32, type GraphBuilder, int, int64, ints, symbol } from '../../src/index.js';
import { generateOps } from '../../src/ops/generate.js';
import { repeatOps } from '../../src/ops/repeat.js';
import { testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const image = (b: GraphBuilder) => b.input('x', 'float64', [symbol('batch'), 4, symbol('height'), symbol('width')]);
const x4 = { x: noise([2, 4, 3, 5]) };
const rows = (b: GraphBuilder, width: number) => b.input('x', 'float64', [symbol('batch'), width]);

/** Two linears with something made from integers or constants added in between: the width is then fixed. */
const added = (make: (b: GraphBuilder) => string) => (b: GraphBuilder) => {
  const h = b.op('MatMul', [rows(b, 2), weight(b, 'w1', [2, 3])]);
  b.op('MatMul', [b.op('Add', [h, make(b)]), weight(b, 'w2', [3, 2])], {}, { name: 'y' });
};
const asFloat = (b: GraphBuilder, value: string) => b.op('Cast', [value], { to: int(11) });

const cases: OpCase[] = [
  {
    op: 'Shape',
    name: 'follows symbols, from start to end',
    build: (b) => b.op('Shape', [image(b)], { start: int(-3), end: int(3) }, { name: 'y' }),
    feeds: x4,
    shape: '[2]',
    elements: ['4', 'height'],
    values: [4, 3],
  },
  {
    op: 'Shape',
    name: 'is no channel',
    build: added((b) => asFloat(b, b.op('Shape', [b.constant('z', zeros4())]))),
    groups: [],
  },
  {
    op: 'Size',
    name: 'is the product',
    build: (b) => b.op('Size', [image(b)], {}, { name: 'y' }),
    feeds: x4,
    shape: '[]',
    elements: ['4*batch*height*width'],
    values: [120],
  },
  {
    op: 'Size',
    name: 'is no channel',
    build: added((b) => asFloat(b, b.op('Size', ['x']))),
    groups: ['3x w1:1 w2:0'],
    skipZeroing: 'the size shifts every channel',
  },
  {
    op: 'Constant',
    name: 'holds integers',
    build: (b) => b.op('Constant', [], { value_ints: ints([1, 2]) }, { name: 'y' }),
    shape: '[2]',
    elements: ['1', '2'],
    values: [1, 2],
  },
  {
    op: 'Constant',
    name: 'holds tensors',
    build: (b) => b.op('Constant', [], { value: { type: 'tensor', value: float32([1, 1], [0.5]) } }, { name: 'y' }),
    shape: '[1, 1]',
    values: [0.5],
  },
  {
    op: 'Constant',
    name: 'inside the graph fixes what it is added to',
    build: added((b) => b.op('Constant', [], { value: { type: 'tensor', value: values([3], [1, 2, 3]) } })),
    groups: [],
  },
  {
    op: 'ConstantOfShape',
    name: 'fills',
    build(b) {
      const value = { type: 'tensor', value: int64([7]) } as const;
      b.op('ConstantOfShape', [b.ints([3])], { value }, { name: 'y' });
    },
    shape: '[3]',
    elements: ['7', '7', '7'],
    values: [7, 7, 7],
  },
  {
    op: 'ConstantOfShape',
    name: 'takes symbolic sizes',
    build: (b) => b.op('ConstantOfShape', [b.op('Shape', [image(b)])], {}, { name: 'y' }),
    shape: '[batch, 4, height, width]',
  },
  {
    op: 'ConstantOfShape',
    name: 'fixes what it is added to',
    build: added((b) => b.op('Cast', [b.op('ConstantOfShape', [b.ints([3])])], { to: int(11) })),
    groups: [],
  },
  {
    op: 'Range',
    name: 'counts with any step',
    build: (b) =>
      b.op(
        'Range',
        [10, 3, -3].map((value) => b.tensor(int64([value], []))),
        {},
        { name: 'y' },
      ),
    shape: '[3]',
    elements: ['10', '7', '4'],
    values: [10, 7, 4],
  },
  {
    op: 'Range',
    name: 'counts floats',
    build: (b) =>
      b.op(
        'Range',
        [0, 1, 0.25].map((value) => b.tensor(float32([], [value]))),
        {},
        { name: 'y' },
      ),
    shape: '[4]',
    values: [0, 0.25, 0.5, 0.75],
  },
  {
    op: 'Range',
    name: 'to a symbol',
    build(b) {
      const limit = b.op('Gather', [b.op('Shape', [image(b)]), b.tensor(int64([2], []))]);
      b.op('Range', [b.tensor(int64([0], [])), limit, b.tensor(int64([1], []))], {}, { name: 'y' });
    },
    shape: '[height]',
  },
  {
    op: 'Range',
    name: 'fixes what it is added to',
    build: added((b) =>
      b.op(
        'Range',
        [0, 3, 1].map((value) => b.tensor(values([], [value]))),
      ),
    ),
    groups: [],
  },
  {
    op: 'Expand',
    name: 'broadcasts both ways',
    build: (b) => b.op('Expand', [b.input('x', 'float64', [2, 1]), b.ints([3, 1, 2])], {}, { name: 'y' }),
    feeds: { x: values([2, 1], [1, 2]) },
    shape: '[3, 2, 2]',
    values: [1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2],
  },
  {
    op: 'Expand',
    name: 'passes an axis of full size, and its target follows the cut',
    build(b) {
      const h = b.op('MatMul', [b.input('x', 'float64', [1, 2]), weight(b, 'w1', [2, 3])]);
      b.op('MatMul', [b.op('Expand', [h, b.ints([2, 3])]), weight(b, 'w2', [3, 2])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2]) },
    groups: ['3x w1:1 w2:0'],
  },
  {
    op: 'Tile',
    name: 'repeats whole axes',
    build: (b) => b.op('Tile', [b.input('x', 'float64', [2, 2]), b.ints([1, 2])], {}, { name: 'y' }),
    feeds: { x: values([2, 2], [1, 2, 3, 4]) },
    shape: '[2, 4]',
    values: [1, 2, 1, 2, 3, 4, 3, 4],
  },
  {
    op: 'Tile',
    name: 'passes what it does not repeat',
    build(b) {
      const h = b.op('MatMul', [rows(b, 2), weight(b, 'w1', [2, 3])]);
      b.op('MatMul', [b.op('Tile', [h, b.ints([2, 1])]), weight(b, 'w2', [3, 2])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2]) },
    groups: ['3x w1:1 w2:0'],
  },
  {
    op: 'Tile',
    name: 'leaves repeated channels alone',
    build(b) {
      const h = b.op('MatMul', [rows(b, 2), weight(b, 'w1', [2, 3])]);
      b.op('MatMul', [b.op('Tile', [h, b.ints([1, 2])]), weight(b, 'w2', [6, 2])], {}, { name: 'y' });
    },
    groups: [],
  },
];

function zeros4() {
  const value = values([1, 1, 1], [0]);
  return { dtype: value.dtype, shape: value.shape, value, read: async () => value };
}

testOps([...generateOps, ...repeatOps], cases);

testGradients(
  [...generateOps, ...repeatOps],
  [
    {
      op: 'Expand',
      name: 'to a symbolic size and to new axes',
      feeds: { x: noise([1, 3]), z: noise([2, 4, 3]) },
      wrt: ['x'],
      build(b) {
        const z = b.input('z', 'float64', [symbol('batch'), 4, 3]);
        b.op('Mul', [b.op('Expand', [b.input('x', 'float64', [1, 3]), b.op('Shape', [z])]), z], {}, { name: 'y' });
      },
    },
    {
      op: 'Tile',
      name: 'two axes',
      feeds: { x: noise([2, 3]) },
      build: (b) => b.op('Tile', [rows(b, 3), b.ints([3, 2])], {}, { name: 'y' }),
    },
  ],
);
