import { create, toBinary } from '@bufbuild/protobuf';
import { evaluateGraph, float32, inferTypes, shapeText } from '@secateur/graph';
import { AttributeProto_AttributeType as AttributeType, ModelProtoSchema } from 'onnx-buf';
import { expect, test } from 'vitest';
import { decodeOnnx } from '../src/index.js';
import { floatValue, type Loose, sourceOf } from './fixture.js';

const int = (name: string, i: number): Loose => ({ name, type: AttributeType.INT, i: BigInt(i) });

/** One Attention of queries of width 4 and keys and values as given. The output has no shape of its own. */
function attention(attribute: Loose[], [query, key, values]: (number | string)[][]) {
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [{ domain: '', version: 23n }],
    graph: {
      name: 'g',
      input: [floatValue('q', query!), floatValue('k', key!), floatValue('v', values!)],
      output: [{ name: 'y' }],
      node: [{ opType: 'Attention', name: 'a', input: ['q', 'k', 'v'], output: ['y'], attribute }],
    },
  } as Loose);
  return decodeOnnx(sourceOf(toBinary(ModelProtoSchema, model)));
}

test('Attention of rank 3 has its heads split off: computed by hand, at lengths known only at run time', async () => {
  const graph = await attention(
    [int('q_num_heads', 2), int('kv_num_heads', 2)],
    [
      ['batch', 'n', 4],
      ['batch', 'm', 4],
      ['batch', 'm', 6],
    ],
  );
  expect(graph.nodes.filter(({ op }) => op === 'Attention').map(({ attributes }) => attributes)).toEqual([{}]);
  expect(shapeText(inferTypes(graph).get('y')!.shape)).toBe('[batch, n, 6]');
  // Head 0 reads the numbers 0 and 1 of a query, head 1 the numbers 2 and 3; of the values 0 to 2, and 3 to 5.
  const [q, k] = [
    [Math.SQRT2, 0, 0, 0],
    [Math.log(3), 0, 0, 0, 0, 0, 0, Math.log(5)],
  ];
  const v = [1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60];
  const y = evaluateGraph(graph, {
    q: float32([1, 1, 4], q!),
    k: float32([1, 2, 4], k!),
    v: float32([1, 2, 6], v),
  }).y!;
  expect(y.shape).toEqual([1, 1, 6]);
  // Head 0 weighs the two keys 3 : 1; head 1, whose query is zero, 1 : 1.
  const wanted = [3.25, 6.5, 9.75, 22, 27.5, 33];
  wanted.forEach((number, i) => {
    expect(y.data[i]).toBeCloseTo(number, 5);
  });
});

test('scale, mask and causality stay with it; nothing but Attention of rank 3 is rewritten', async () => {
  const shapes = Array.from({ length: 3 }, () => [1, 3, 4]);
  const scale = { name: 'scale', type: AttributeType.FLOAT, f: 0.5 };
  const split = await attention([int('q_num_heads', 2), int('kv_num_heads', 2), scale, int('is_causal', 1)], shapes);
  const [node] = split.nodes.filter(({ op }) => op === 'Attention');
  expect(Object.keys(node!.attributes)).toEqual(['scale', 'is_causal']);
  const four = await attention(
    [],
    Array.from({ length: 3 }, () => [1, 2, 3, 4]),
  );
  expect(four.nodes.map(({ op }) => op)).toEqual(['Attention']);
});

test.each([
  ['no number of heads', [], /\[batch, heads, length, size\] expected/],
  ['shared heads of keys', [int('q_num_heads', 4), int('kv_num_heads', 2)], /share a head of keys are not covered/],
])('with %s it is refused', async (_, attributes, message) => {
  const shapes = [
    [1, 3, 8],
    [1, 3, 8],
    [1, 3, 8],
  ];
  await expect(attention(attributes, shapes)).rejects.toThrow(message);
});
