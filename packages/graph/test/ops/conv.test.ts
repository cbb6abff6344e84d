import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/evaluate.js';
import { type Attribute, GraphBuilder, int, ints, string, symbol, toNumbers } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { convOps } from '../../src/ops/conv.js';
import { type GradientCase, testGradients } from '../gradient-check.js';
import { noise, type OpCase, testOps, values, weight } from './case.js';

const batch = symbol('batch');
const image = (b: GraphBuilder, channels: number) =>
  b.input('x', 'float64', [batch, channels, symbol('height'), symbol('width')]);
const same = { pads: ints([1, 1, 1, 1]) };

const cases: OpCase[] = [
  {
    op: 'Conv',
    name: 'keeps symbolic sizes under same padding',
    build: (b) => b.op('Conv', [image(b, 3), weight(b, 'w', [5, 3, 3, 3])], same, { name: 'y' }),
    shape: '[batch, 5, height, width]',
    macs: [5 * 3 * 9 * 16, 0],
  },
  {
    op: 'Conv',
    name: 'halves symbolic sizes by a stride, rounding down',
    build: (b) =>
      b.op('Conv', [image(b, 3), weight(b, 'w', [5, 3, 3, 3])], { ...same, strides: ints([2, 2]) }, { name: 'y' }),
    shape: '[batch, 5, floor((height+1)/2), floor((width+1)/2)]',
    macs: [5 * 3 * 9 * 4, 0],
  },
  {
    op: 'Conv',
    name: 'counts two activations as products',
    build: (b) => b.op('Conv', [image(b, 1), b.input('k', 'float64', [1, 1, 1, 1])], {}, { name: 'y' }),
    macs: [0, 16],
  },
  {
    op: 'Conv',
    name: 'auto_pad SAME_UPPER puts the odd padding behind',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 4]);
      b.op('Conv', [x, weight(b, 'w', [1, 1, 2], [1, 10])], { auto_pad: string('SAME_UPPER') }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 4], [1, 2, 3, 4]) },
    shape: '[1, 1, 4]',
    values: [21, 32, 43, 4],
  },
  {
    op: 'Conv',
    name: 'auto_pad SAME_LOWER puts it in front',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 4]);
      b.op('Conv', [x, weight(b, 'w', [1, 1, 2], [1, 10])], { auto_pad: string('SAME_LOWER') }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 4], [1, 2, 3, 4]) },
    values: [10, 21, 32, 43],
  },
  {
    op: 'Conv',
    name: 'joins what one makes with what the next reads, and the bias',
    build(b) {
      const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 3, 3]), weight(b, 'b1', [4])], same);
      b.op('Conv', [h, weight(b, 'w2', [3, 4, 1, 1])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2, 3, 3]) },
    groups: ['4x w1:0 b1:0 w2:1'],
  },
  {
    op: 'Conv',
    name: 'depthwise: a channel goes with its own kernel and its conv group',
    build(b) {
      const h = b.op('Conv', [image(b, 2), weight(b, 'w1', [4, 2, 1, 1])]);
      const d = b.op('Conv', [h, weight(b, 'wd', [4, 1, 3, 3]), weight(b, 'bd', [4])], { ...same, group: int(4) });
      b.op('Conv', [d, weight(b, 'w2', [3, 4, 1, 1])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2, 3, 3]) },
    groups: ['4x w1:0 wd:0 bd:0 w2:1'],
  },
  {
    op: 'ConvTranspose',
    name: 'hand-computed stride 2',
    build(b) {
      const x = b.input('x', 'float64', [1, 1, 2]);
      b.op('ConvTranspose', [x, weight(b, 'w', [1, 1, 3], [1, 10, 100])], { strides: ints([2]) }, { name: 'y' });
    },
    feeds: { x: values([1, 1, 2], [1, 2]) },
    shape: '[1, 1, 5]',
    values: [1, 10, 102, 20, 200],
  },
  {
    op: 'ConvTranspose',
    name: 'doubles symbolic sizes',
    build(b) {
      const attributes = { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), output_padding: ints([1, 1]) };
      b.op('ConvTranspose', [image(b, 3), weight(b, 'w', [3, 5, 3, 3])], attributes, { name: 'y' });
    },
    shape: '[batch, 5, 2*height, 2*width]',
    macs: [3 * 5 * 9 * 16, 0],
  },
  {
    op: 'ConvTranspose',
    name: 'reads axis 0 of its weights and makes axis 1',
    build(b) {
      const h = b.op('ConvTranspose', [image(b, 2), weight(b, 'w1', [2, 4, 2, 2]), weight(b, 'b1', [4])], {
        strides: ints([2, 2]),
      });
      b.op('ConvTranspose', [h, weight(b, 'w2', [4, 3, 1, 1])], {}, { name: 'y' });
    },
    feeds: { x: noise([1, 2, 2, 2]) },
    groups: ['4x w1:1 b1:0 w2:0'],
  },
];

testOps(convOps, cases);

const geometry = fc.record({
  groups: fc.integer({ min: 1, max: 3 }),
  perGroup: fc.integer({ min: 1, max: 2 }),
  outPerGroup: fc.integer({ min: 1, max: 2 }),
  size: fc.tuple(fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 })),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  pads: fc.tuple(...([0, 0, 0, 0] as const).map(() => fc.integer({ min: 0, max: 2 }))),
});

it('Conv equals seven plain loops for any geometry', () => {
  fc.assert(
    fc.property(geometry, ({ groups, perGroup, outPerGroup, size, kernel, stride, dilation, pads }) => {
      const [c, o] = [groups * perGroup, groups * outPerGroup];
      const [h, w] = size;
      const [top, left, bottom, right] = pads;
      const outH = Math.floor((h + top + bottom - dilation * (kernel[0] - 1) - 1) / stride) + 1;
      const outW = Math.floor((w + left + right - dilation * (kernel[1] - 1) - 1) / stride) + 1;
      fc.pre(outH > 0 && outW > 0);
      const x = noise([2, c, h, w]);
      const b = new GraphBuilder('conv');
      const k = noise([o, perGroup, ...kernel], 5);
      const attributes = {
        group: int(groups),
        strides: ints([stride, stride]),
        dilations: ints([dilation, dilation]),
        pads: ints(pads),
      };
      b.op('Conv', [b.input('x', 'float64', x.shape), b.tensor(k, 'w')], attributes, { name: 'y' });
      b.output('y', 'float64', [2, o, outH, outW]);
      const at = (n: number, ch: number, i: number, j: number) =>
        i < 0 || j < 0 || i >= h || j >= w ? 0 : Number(x.data[((n * c + ch) * h + i) * w + j]);
      const expected: number[] = [];
      for (let n = 0; n < 2; n++)
        for (let oc = 0; oc < o; oc++)
          for (let i = 0; i < outH; i++)
            for (let j = 0; j < outW; j++) {
              let sum = 0;
              for (let ic = 0; ic < perGroup; ic++)
                for (let p = 0; p < kernel[0]; p++)
                  for (let q = 0; q < kernel[1]; q++)
                    sum +=
                      Number(k.data[((oc * perGroup + ic) * kernel[0] + p) * kernel[1] + q]) *
                      at(
                        n,
                        Math.floor(oc / outPerGroup) * perGroup + ic,
                        i * stride - top + p * dilation,
                        j * stride - left + q * dilation,
                      );
              expected.push(sum);
            }
      const graph = b.build();
      expect(inferTypes(graph).get('y')!.shape).toEqual([2, o, outH, outW]);
      expect(toNumbers(evaluateGraph(graph, { x }).y)).toEqual(expected.map((value) => expect.closeTo(value, 6)));
    }),
    { seed: 11, numRuns: 60 },
  );
});

it('ConvTranspose is the adjoint of Conv: <conv(x), z> = <x, transposed(z)>', () => {
  fc.assert(
    fc.property(geometry, ({ groups, perGroup, outPerGroup, size, kernel, stride, dilation, pads }) => {
      const [c, o] = [groups * perGroup, groups * outPerGroup];
      const b = new GraphBuilder('adjoint');
      const room = size.map((dim, i) => dim + pads[i] + pads[i + 2] - dilation * (kernel[i] - 1) - 1);
      fc.pre(room.every((one) => one >= 0));
      const attributes = {
        group: int(groups),
        strides: ints([stride, stride]),
        dilations: ints([dilation, dilation]),
        pads: ints(pads),
      };
      const x = noise([1, c, ...size]);
      const z = noise([1, o, ...room.map((one) => Math.floor(one / stride) + 1)], 3);
      const w = b.tensor(noise([o, perGroup, ...kernel], 5), 'w');
      b.op('Conv', [b.input('x', 'float64', x.shape), w], attributes, { name: 'y' });
      const rest = { output_padding: ints(room.map((one) => one % stride)) };
      b.op('ConvTranspose', [b.input('z', 'float64', z.shape), w], { ...attributes, ...rest }, { name: 't' });
      const out = evaluateGraph(b.build(), { x, z }, { outputs: ['y', 't'] });
      const dot = (left: number[], right: number[]) => left.reduce((sum, value, i) => sum + value * right[i], 0);
      expect(out.t.shape).toEqual(x.shape);
      expect(dot(toNumbers(out.y), toNumbers(z))).toBeCloseTo(dot(toNumbers(x), toNumbers(out.t)), 5);
    }),
    { seed: 12, numRuns: 60 },
  );
});

const gradients: GradientCase[] = [];
for (const [name, c, o, kernel, attributes, size = [4, 5]] of [
  ['3x3', 2, 3, [3, 3], same],
  ['1x1', 2, 3, [1, 1], {}],
  ['stride 2 that leaves a row over', 2, 3, [3, 3], { ...same, strides: ints([2, 2]) }],
  ['stride 2, padded behind only, as after a Pad', 2, 2, [3, 3], { pads: ints([0, 0, 1, 1]), strides: ints([2, 2]) }],
  ['1x1 on a large picture', 1, 2, [1, 1], {}, [16, 17]],
  ['1x1 with stride 2', 2, 2, [1, 1], { strides: ints([2, 2]) }],
  ['dilated', 2, 2, [2, 3], { dilations: ints([2, 1]), pads: ints([1, 1, 1, 1]) }],
  ['more padding than the kernel reaches', 1, 2, [2, 2], { pads: ints([2, 2, 2, 2]) }],
  ['two conv groups', 4, 6, [3, 3], { ...same, group: int(2) }],
  ['depthwise', 3, 3, [3, 3], { ...same, group: int(3) }],
] as [string, number, number, number[], Record<string, Attribute>, number[]?][]) {
  const groups = attributes.group?.type === 'int' ? attributes.group.value : 1;
  const w = [o, c / groups, ...kernel];
  const feeds = { x: noise([2, c, ...size]) };
  const layers = (b: GraphBuilder, x: string) =>
    b.op('Conv', [x, weight(b, 'w', w), weight(b, 'bias', [o])], attributes, { name: 'y' });
  gradients.push(
    {
      op: 'Conv',
      name: `${name}, sizes known`,
      feeds,
      build: (b) => layers(b, b.input('x', 'float64', [2, c, ...size])),
    },
    { op: 'Conv', name: `${name}, sizes symbolic`, feeds, build: (b) => layers(b, image(b, c)) },
  );
}
gradients.push(
  {
    op: 'Conv',
    name: 'one spatial axis',
    feeds: { x: noise([2, 2, 5]) },
    build: (b) =>
      b.op(
        'Conv',
        [b.input('x', 'float64', [2, 2, 5]), weight(b, 'w', [3, 2, 3])],
        { pads: ints([1, 1]) },
        { name: 'y' },
      ),
  },
  ...[1, 2].map((group) => ({
    op: 'ConvTranspose',
    name: `${group} conv group(s), stride 2`,
    feeds: { x: noise([2, 2, 2, 3]) },
    build(b: GraphBuilder) {
      const attributes = {
        strides: ints([2, 2]),
        pads: ints([1, 1, 0, 0]),
        output_padding: ints([1, 0]),
        group: int(group),
      };
      const w = weight(b, 'w', [2, 3, 3, 2]);
      b.op('ConvTranspose', [image(b, 2), w, weight(b, 'bias', [3 * group])], attributes, { name: 'y' });
    },
  })),
);

testGradients(convOps, gradients);
