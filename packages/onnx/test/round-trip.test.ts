import {
  type Attribute,
  bytesPerElement,
  type Constant,
  constantOf,
  type DType,
  dimText,
  type Graph,
  GraphBuilder,
  multiplyDims,
  symbol,
  tensorFromBytes,
} from '@secateur/graph';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeOnnx, encodeOnnx } from '../src/index.js';
import { sourceOf } from './fixture.js';

const dtypes: DType[] = [
  'float32',
  'float16',
  'bfloat16',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
];

const tensors = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }) })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((a, b) => a * b, bytesPerElement(dtype));
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => tensorFromBytes(dtype, shape, bytes.slice()));
  });

const integer = fc.integer({ min: -(2 ** 40), max: 2 ** 40 });
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const attributes: fc.Arbitrary<Attribute> = fc.oneof(
  integer.map((value): Attribute => ({ type: 'int', value })),
  fc.float({ noNaN: true }).map((value): Attribute => ({ type: 'float', value })),
  text.map((value): Attribute => ({ type: 'string', value })),
  fc.array(integer, { maxLength: 4 }).map((value): Attribute => ({ type: 'ints', value })),
  fc.array(fc.float({ noNaN: true }), { maxLength: 4 }).map((value): Attribute => ({ type: 'floats', value })),
  fc.array(text, { maxLength: 3 }).map((value): Attribute => ({ type: 'strings', value })),
  tensors.map((value): Attribute => ({ type: 'tensor', value })),
);

/** A chain of made-up operators: encoding does not care what they mean. */
const graphs: fc.Arbitrary<Graph> = fc
  .record({
    opset: fc.integer({ min: 11, max: 24 }),
    constants: fc.array(tensors, { maxLength: 5 }),
    nodes: fc.array(
      fc.record({
        op: fc.constantFrom('Foo', 'Bar'),
        domain: fc.constantFrom('', 'com.example'),
        outputs: fc.integer({ min: 1, max: 3 }),
        scope: fc.constantFrom('', 'a', 'a.b'),
        attributes: fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), attributes, { maxKeys: 4 }),
        reads: fc.array(fc.nat(), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    metadata: fc.dictionary(text, text, { maxKeys: 3 }),
  })
  .map(({ opset, constants, nodes, metadata }) => {
    const builder = new GraphBuilder('random', opset);
    const height = symbol('height');
    const values = ['', builder.input('x', 'float32', [symbol('batch'), 3, multiplyDims(height, height)])];
    constants.forEach((value, i) => {
      values.push(builder.constant(`c${i}`, constantOf(value)));
    });
    for (const { op, domain, outputs, scope, attributes, reads } of nodes) {
      const inputs = reads.map((read) => values[read % values.length]);
      const body = () => builder.multi(op, inputs, attributes, { domain, outputs });
      values.push(...(scope ? builder.scope(scope, body) : body()));
    }
    builder.output(values.at(-1)!, 'float16', [multiplyDims(2, height)]);
    return { ...builder.build(metadata), domains: { 'com.example': 3 } };
  });

const types = (constants: ReadonlyMap<string, Constant>) =>
  [...constants].map(([name, { dtype, shape, parameter, value }]) => ({ name, dtype, shape, parameter, value }));

test('any graph survives encoding and decoding', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      const bytes = await encodeOnnx(graph);
      const again = await decodeOnnx(sourceOf(bytes));
      expect(again.opset).toBe(graph.opset);
      expect(again.domains).toEqual(graph.domains);
      expect(again.nodes).toEqual(graph.nodes);
      expect(types(again.constants)).toEqual(types(graph.constants));
      expect([...again.inputs, ...again.outputs].map(({ shape }) => shape.map(dimText))).toEqual([
        ['batch', '3', 'height*height'],
        ['2*height'],
      ]);
      expect(again.metadata).toEqual({ 'onnx:producer_name': 'secateur', ...graph.metadata });
    }),
    { seed: 2, numRuns: 150 },
  );
});
