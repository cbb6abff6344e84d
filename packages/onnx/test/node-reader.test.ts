import { create, toBinary } from '@bufbuild/protobuf';
import { evaluateGraph, float32, inferTypes, shapeText } from '@secateur/graph';
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
} from 'onnx-buf';
import { expect, test } from 'vitest';
import { recoverParameters } from '../src/import/recover-parameters.js';
import { decodeOnnx } from '../src/index.js';
import { floatValue, type Loose, sourceOf } from './fixture.js';

const integers = (name: string, values: number[], dims = [BigInt(values.length)]): Loose => ({
  name,
  dataType: DataType.INT64,
  dims,
  int64Data: values.map(BigInt),
});
const floats = (name: string, values: number[]): Loose => ({
  name,
  dataType: DataType.FLOAT,
  dims: [BigInt(values.length)],
  floatData: values,
});
const node = (opType: string, input: string[], output: string[], attribute: Loose[] = []): Loose => ({
  name: output[0],
  opType,
  input,
  output,
  attribute,
});

function decode(graph: Loose, opset = 17n) {
  const model = { irVersion: 8n, opsetImport: [{ domain: '', version: opset }], graph: { name: 'g', ...graph } };
  return decodeOnnx(sourceOf(toBinary(ModelProtoSchema, create(ModelProtoSchema, model as Loose))));
}

/** `y = x with axis 1 taken out if it is 1`, as PyTorch's older exporter writes `squeeze(1)`. */
function squeeze(
  dims: (number | string)[],
  no: Loose[] = [node('Identity', ['x'], ['b_out'])],
  noOut = 'b_out',
): Loose {
  const branch = (name: string, g: Loose): Loose => ({ name, type: AttributeType.GRAPH, g });
  return {
    input: [floatValue('x', dims)],
    output: [{ name: 'y' }],
    initializer: [integers('one', [1])],
    node: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'one'], ['n'], [{ name: 'axis', type: AttributeType.INT, i: 0n }]),
      node('Equal', ['n', 'one'], ['c']),
      node(
        'If',
        ['c'],
        ['y'],
        [
          branch('then_branch', {
            name: 'then',
            initializer: [integers('axes', [1])],
            node: [node('Squeeze', ['x', 'axes'], ['a_out'])],
            output: [{ name: 'a_out' }],
          }),
          branch('else_branch', { name: 'else', node: no, output: [{ name: noOut }] }),
        ],
      ),
    ],
  };
}

test.each([
  ['is 1', ['n', 1, 2], '[n, 2]'],
  ['is 3', ['n', 3, 2], '[n, 3, 2]'],
  ['is dynamic, which 1 is not', ['n', 'm', 2], '[n, m, 2]'],
])('an If is replaced by the branch taken: the axis %s', async (_, dims, expected) => {
  const graph = await decode(squeeze(dims));
  expect(graph.nodes.map(({ op }) => op)).not.toContain('If');
  expect(shapeText(inferTypes(graph).get('y')!.shape)).toBe(expected);
});

test('any other If over a size known only at run time is refused', async () => {
  const graph = squeeze(['n', 'm', 2], [node('Neg', ['x'], ['b_out'])]);
  await expect(decode(graph)).rejects.toMatchObject({ code: 'UNKNOWN_OP', message: expect.stringContaining('If "y"') });
});

test('a branch that gives a value which nothing makes is refused', async () => {
  const graph = squeeze(['n', 3, 2], [node('Identity', ['x'], ['b_out'])], 'nowhere');
  await expect(decode(graph)).rejects.toMatchObject({ code: 'BAD_FILE', field: 'nowhere' });
});

/** Two norm groups of two channels: (2, 6, 2, 6) has mean 4 and deviation 2, (0, 2, 2, 0) mean 1 and deviation 1. */
test.each([
  ['18: a scale for every norm group', 18n, [1, 3], [0, 10], [-1, 1, -1, 1, 7, 13, 13, 7]],
  ['21: a scale for every channel', 21n, [1, 2, 3, 4], [0, 10, 0, -1], [-1, 1, 8, 12, -3, 3, 3, -5]],
])('GroupNormalization of operator set %s', async (_, opset, scale, bias, expected) => {
  const attributes = [
    { name: 'num_groups', type: AttributeType.INT, i: 2n },
    { name: 'epsilon', type: AttributeType.FLOAT, f: 0 },
  ];
  const graph = await decode(
    {
      input: [floatValue('x', [1, 4, 2])],
      output: [floatValue('y', [1, 4, 2])],
      initializer: [floats('s', scale), floats('b', bias)],
      node: [node('GroupNormalization', ['x', 's', 'b'], ['y'], attributes)],
    },
    opset,
  );
  const { y } = evaluateGraph(graph, { x: float32([1, 4, 2], [2, 6, 2, 6, 0, 2, 2, 0]) });
  expect([...y!.data]).toEqual(expected.map((number) => expect.closeTo(number, 5)));
});

/** The newer exporter says which initialisers are the model's; what it folded has names that look like parameters. */
test('declared parameters and buffers get identities, results of folding do not', async () => {
  const kind = (name: string, of: string): Loose => ({
    ...floatValue(name, [2]),
    metadataProps: [{ key: 'pkg.torch.export.graph_signature.InputSpec.kind', value: of }],
  });
  const graph = await decode({
    input: [floatValue('x', ['n', 2])],
    output: [floatValue('y', ['n', 2])],
    initializer: [floats('m.a.weight', [1, 2]), floats('m.table', [3, 4]), floats('unsqueeze_1', [5, 6])],
    valueInfo: [kind('m.a.weight', 'PARAMETER'), kind('m.table', 'BUFFER')],
    node: [
      node('Add', ['x', 'm.a.weight'], ['p']),
      node('Add', ['p', 'm.table'], ['q']),
      node('Add', ['q', 'unsqueeze_1'], ['y']),
    ],
  });
  const named = recoverParameters(graph, { prefix: 'm.' });
  const parameters = [...named.constants].map(([name, { parameter }]) => [name, parameter?.name, parameter?.buffer]);
  expect(parameters).toEqual([
    ['m.a.weight', 'a.weight', undefined],
    ['m.table', 'table', true],
    ['unsqueeze_1', undefined, undefined],
  ]);
});
