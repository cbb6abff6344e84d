import { create, toBinary } from '@bufbuild/protobuf';
import { memoryFolder } from '@secateur/core';
import { bytesOf, couple, dimText, evaluateGraph, float32, type Graph, removeUnits } from '@secateur/graph';
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { decodeOnnx, encodeOnnx, nameMap, onnxFormat } from '../src/index.js';
import { sourceOf, unet, unetSource } from './fixture.js';

type Init<T> = Partial<Omit<T, '$typeName' | '$unknown'>>;
// biome-ignore lint/suspicious/noExplicitAny: message initialisers nest freely
type Loose = any;

const x = { name: 'x', type: { value: { case: 'tensorType', value: { elemType: 1, shape: { dim: [] } } } } };
const relu = { opType: 'Relu', name: 'r', input: ['x'], output: ['y'] };
const w = { name: 'w', dataType: DataType.FLOAT, dims: [2n], rawData: new Uint8Array(8) };

function bytesOfModel(graph: Loose, model: Init<ModelProto> = {}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: create(GraphProtoSchema, {
        name: 'g',
        input: [x],
        output: [{ ...x, name: 'y' }],
        node: [relu],
        ...graph,
      } as Init<GraphProto>),
      ...model,
    } as Loose),
  );
}

const shapeOf = (...dims: bigint[]) => ({ dim: dims.map((value) => ({ value: { case: 'dimValue', value } })) });

const decode = (graph: Loose, model?: Init<ModelProto>, files?: Record<string, Uint8Array>): Promise<Graph> =>
  decodeOnnx(sourceOf(bytesOfModel(graph, model)), files && memoryFolder(files));

test('reads the exported UNet', async () => {
  const graph = await unet();
  expect(graph.opset).toBe(17);
  expect(graph.inputs.map(({ name, dtype, shape }) => [name, dtype, shape.map(dimText).join()])).toEqual([
    ['sample', 'float32', 'batch,3,height,width'],
    ['timestep', 'int64', 'batch'],
  ]);
  expect(graph.outputs.map(({ name, shape }) => [name, shape.map(dimText).join()])).toEqual([
    ['out', 'batch,3,height,width'],
  ]);
  expect(graph.metadata).toEqual({ 'onnx:producer_name': 'pytorch', 'onnx:producer_version': '1.13.0' });
  expect(graph.nodes.filter((node) => node.op === 'Constant')).toEqual([]);
  expect(graph.nodes.filter((node) => node.op === 'Conv')).toHaveLength(25);
  expect(new Set(graph.nodes.map((node) => node.name)).size).toBe(graph.nodes.length);
});

test('locations are the places of the bytes in the file', async () => {
  const source = unetSource();
  const { constants } = await decodeOnnx(source);
  const bias = constants.get('m.conv_in.bias')!;
  const { file, offset, byteLength } = bias.location!;
  expect([file, byteLength]).toEqual(['model.onnx', 64]);
  const bytes = (await source.read(offset, byteLength)).slice();
  expect(new Float32Array(bytes.buffer)).toEqual(bias.value!.data);
});

test('decode, encode, decode gives the same graph and the same bytes of weights', async () => {
  const first = await unet();
  const bytes = await encodeOnnx(first);
  const second = await decodeOnnx(sourceOf(bytes));
  expect(second.nodes).toEqual(first.nodes);
  expect(second.inputs).toEqual(first.inputs);
  expect(second.outputs).toEqual(first.outputs);
  expect([...second.constants.keys()]).toEqual([...first.constants.keys()]);
  for (const [name, constant] of first.constants) {
    const [a, b] = [await constant.read(), await second.constants.get(name)!.read()];
    expect([b.dtype, b.shape], name).toEqual([a.dtype, a.shape]);
    expect(Buffer.compare(bytesOf(b), bytesOf(a)), name).toBe(0);
  }
  expect(second.metadata).toEqual(first.metadata);
  expect(Buffer.compare(await encodeOnnx(second), bytes)).toBe(0);
});

test('values in typed fields', async () => {
  const tensors = [
    { name: 'f', dataType: DataType.FLOAT, dims: [2n], floatData: [1.5, -2] },
    { name: 'h', dataType: DataType.FLOAT16, dims: [1n], int32Data: [0x3c00] },
    { name: 'b', dataType: DataType.BOOL, dims: [2n], int32Data: [1, 0] },
    { name: 'i', dataType: DataType.INT64, dims: [1n], int64Data: [-5n] },
    { name: 'd', dataType: DataType.DOUBLE, dims: [], doubleData: [0.1] },
    { name: 'u', dataType: DataType.UINT32, dims: [1n], uint64Data: [7n] },
    { name: 'e', dataType: DataType.INT64, dims: [0n] },
  ];
  const { constants } = await decode({ initializer: tensors });
  const values = [...constants].map(([name, { dtype, shape, value }]) => [name, dtype, shape, [...value!.data]]);
  expect(values).toEqual([
    ['f', 'float32', [2], [1.5, -2]],
    ['h', 'float16', [1], [0x3c00]],
    ['b', 'bool', [2], [1, 0]],
    ['i', 'int64', [1], [-5n]],
    ['d', 'float64', [], [0.1]],
    ['u', 'uint32', [1], [7]],
    ['e', 'int64', [0], []],
  ]);
});

test('Constant nodes of every numeric kind become constants', async () => {
  const constant = (output: string, attribute: Loose) => ({
    opType: 'Constant',
    output: [output],
    attribute: [attribute],
  });
  const { constants, nodes } = await decode({
    node: [
      constant('a', { name: 'value', type: AttributeType.TENSOR, t: w }),
      constant('b', { name: 'value_int', type: AttributeType.INT, i: 2n ** 63n - 1n }),
      constant('c', { name: 'value_ints', type: AttributeType.INTS, ints: [1n, 2n] }),
      constant('d', { name: 'value_float', type: AttributeType.FLOAT, f: 0.5 }),
      constant('e', { name: 'value_floats', type: AttributeType.FLOATS, floats: [1, 2, 3] }),
      relu,
    ],
  });
  expect(nodes.map((node) => node.op)).toEqual(['Relu']);
  expect([...constants].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['a', 'float32', [2]],
    ['b', 'int64', []],
    ['c', 'int64', [2]],
    ['d', 'float32', []],
    ['e', 'float32', [3]],
  ]);
  expect(constants.get('b')!.value!.data[0]).toBe(2n ** 63n - 1n);
});

test('weights that are Constant nodes, in a file without initialisers, are loaded as weights with their names', async () => {
  const weight = (output: string, dims: bigint[], numbers: number[]) => ({
    opType: 'Constant',
    name: `Constant_${output}`,
    output: [output],
    attribute: [
      { name: 'value', type: AttributeType.TENSOR, t: { dataType: DataType.FLOAT, dims, floatData: numbers } },
    ],
  });
  const sized = { name: 'x', type: { value: { case: 'tensorType', value: { elemType: 1, shape: shapeOf(1n, 2n) } } } };
  const bytes = bytesOfModel({
    input: [sized],
    node: [
      weight('m.up.bias', [3n], [0.5, 0, 0]),
      weight('/m/up/Constant_output_0', [2n, 3n], [1, 2, 3, 4, 5, 6]),
      { opType: 'MatMul', name: '/m/up/MatMul', input: ['x', '/m/up/Constant_output_0'], output: ['a'] },
      { opType: 'Add', name: '/m/up/Add', input: ['a', 'm.up.bias'], output: ['b'] },
      weight('m.down.weight', [1n, 3n], [1, 1, 2]),
      weight('m.down.bias', [1n], [7]),
      {
        opType: 'Gemm',
        name: '/m/down/Gemm',
        input: ['b', 'm.down.weight', 'm.down.bias'],
        output: ['y'],
        attribute: [{ name: 'transB', type: AttributeType.INT, i: 1n }],
      },
    ],
  });
  const { graph } = await onnxFormat.load({ folder: memoryFolder({ 'model.onnx': bytes }) });
  expect(nameMap(graph).map(({ parameter, axes }) => [parameter, axes])).toEqual([
    ['up.bias', [0]],
    ['up.weight', [1, 0]],
    ['down.weight', [0, 1]],
    ['down.bias', [0]],
  ]);
  // 10 x [1 2 3] + 100 x [4 5 6] + [0.5 0 0], summed with weights 1, 1 and 2, and 7.
  const y = evaluateGraph(graph, { x: float32([1, 2], [10, 100]) }).y!;
  expect([...y.data]).toEqual([410.5 + 520 + 2 * 630 + 7]);
  // They are weights in every respect: the hidden width can be cut.
  const coupling = couple(graph);
  expect(coupling.groups.map(({ id, size }) => [id, size])).toEqual([['up.weight:0', 3]]);
  const cut = removeUnits(coupling, new Map([['up.weight:0', [1]]])).graph;
  expect([...evaluateGraph(cut, { x: float32([1, 2], [10, 100]) }).y!.data]).toEqual([410.5 + 2 * 630 + 7]);
});

test('unnamed dimensions get symbols, nameless nodes get names, scopes of the newer exporter are read', async () => {
  const input = {
    name: 'x',
    type: {
      value: {
        case: 'tensorType',
        value: { elemType: 1, shape: { dim: [{}, { value: { case: 'dimParam', value: '2*h' } }] } },
      },
    },
  };
  const scoped = {
    ...relu,
    name: '',
    metadataProps: [{ key: 'pkg.torch.onnx.name_scopes', value: "['', 'down_blocks.0', 'down_blocks.0.act', 'relu']" }],
  };
  const graph = await decode({ input: [input], node: [scoped] });
  expect(graph.inputs[0].shape.map(dimText)).toEqual(['x_dim_0', '2*h']);
  expect(graph.nodes[0]).toMatchObject({ name: 'y', scope: 'down_blocks.0.act' });
});

test('outputs without a declared type get the type the operators give', async () => {
  const graph = await decode({ output: [{ name: 'y' }], node: [{ ...relu, opType: 'Identity' }] });
  expect(graph.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: [] }]);
});

describe('refuses, naming what is wrong', () => {
  const external = (fields: Record<string, string>) => ({
    name: 'w',
    dataType: DataType.FLOAT,
    dims: [2n],
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(fields).map(([key, value]) => ({ key, value })),
  });
  const subgraph = { name: 'then_branch', type: AttributeType.GRAPH, g: { name: 'inner' } };
  const cases: [string, string, RegExp, Loose, Init<ModelProto>?][] = [
    ['raw data of the wrong length', 'BAD_FILE', /w: .*16 bytes; 8 given/, { initializer: [{ ...w, dims: [4n] }] }],
    ['a negative dimension', 'BAD_FILE', /dimension -1/, { initializer: [{ ...w, dims: [-1n] }] }],
    ['a shape beyond counting', 'BAD_FILE', /too big/, { initializer: [{ ...w, dims: [2n ** 40n, 2n ** 40n] }] }],
    [
      'an overflowing product hidden by a zero',
      'BAD_FILE',
      /too big/,
      { initializer: [{ ...w, dims: [0n, 2n ** 52n, 2n ** 52n] }] },
    ],
    ['an 8-bit float', 'UNKNOWN_DTYPE', /FLOAT8E4M3FN/, { initializer: [{ ...w, dataType: 17 }] }],
    ['strings', 'UNKNOWN_DTYPE', /STRING/, { initializer: [{ ...w, dataType: DataType.STRING }] }],
    ['operator set 10', 'BAD_FILE', /operator set 10; 11 to 24/, {}, { opsetImport: [{ version: 10n }] as Loose }],
    ['operator set 25', 'BAD_FILE', /operator set 25; 11 to 24/, {}, { opsetImport: [{ version: 25n }] as Loose }],
    ['no operator set', 'BAD_FILE', /operator set/, {}, { opsetImport: [] }],
    [
      'a subgraph',
      'UNKNOWN_OP',
      /If "choice"/,
      { node: [relu, { opType: 'If', name: 'choice', attribute: [subgraph] }] },
    ],
    ['functions', 'UNKNOWN_OP', /my\.Gate/, {}, { functions: [{ domain: 'my', name: 'Gate' }] as Loose }],
    [
      'sparse initialisers',
      'UNKNOWN_DTYPE',
      /sparse_w/,
      { sparseInitializer: [{ values: { ...w, name: 'sparse_w' } }] },
    ],
    ['a value made twice', 'BAD_FILE', /called y/, { node: [relu, relu] }],
    [
      'a value made too late',
      'BAD_FILE',
      /"y", which nothing before/,
      { node: [{ ...relu, input: ['y'], output: ['z'] }, relu] },
    ],
    ['an output nothing makes', 'BAD_FILE', /"gone"/, { output: [{ ...x, name: 'gone' }] }],
    ['an input without shape', 'BAD_FILE', /Input x/, { input: [{ name: 'x' }] }],
    [
      'a sequence',
      'UNKNOWN_DTYPE',
      /x is a sequence/,
      { input: [{ name: 'x', type: { value: { case: 'sequenceType', value: {} } } }] },
    ],
    [
      'an integer beyond 53 bits',
      'BAD_FILE',
      /attribute axis/,
      { node: [{ ...relu, attribute: [{ name: 'axis', type: AttributeType.INT, i: 2n ** 60n }] }] },
    ],
    [
      'weights inside a branch',
      'UNKNOWN_OP',
      /If "choice" with 1 weight inside/,
      {
        node: [
          {
            opType: 'If',
            name: 'choice',
            input: ['x'],
            output: ['y'],
            attribute: [{ ...subgraph, g: { name: 'inner', initializer: [w] } }],
          },
        ],
      },
    ],
    [
      'a branch with fewer outputs than its If',
      'BAD_FILE',
      /If "choice" has 1 outputs; its branch 0/,
      {
        initializer: [{ name: 'c', dataType: DataType.BOOL, dims: [], rawData: Uint8Array.of(1) }],
        node: [{ opType: 'If', name: 'choice', input: ['c'], output: ['y'], attribute: [subgraph] }],
      },
    ],
    ['external data leaving the folder', 'BAD_FILE', /\.\.\/w/, { initializer: [external({ location: '../w' })] }],
    [
      'external data at an absolute path',
      'BAD_FILE',
      /\/etc\/passwd/,
      { initializer: [external({ location: '/etc/passwd' })] },
    ],
    ['external data with a backslash', 'BAD_FILE', /backslash/, { initializer: [external({ location: '..\\w' })] }],
    [
      'external data that are missing',
      'BAD_FILE',
      /gone.bin is missing/,
      { initializer: [external({ location: 'gone.bin' })] },
    ],
    [
      'external data past the end',
      'BAD_FILE',
      /past the end of w.bin \(16 bytes\)/,
      { initializer: [external({ location: 'w.bin', offset: '12' })] },
    ],
    [
      'external data of the wrong length',
      'BAD_FILE',
      /needs 8 bytes; .* 4/,
      { initializer: [external({ location: 'w.bin', length: '4' })] },
    ],
    ['a negative offset', 'BAD_FILE', /offset "-4"/, { initializer: [external({ location: 'w.bin', offset: '-4' })] }],
    [
      'an identity that does not fit',
      'BAD_FILE',
      /secateur.parameter/,
      {
        initializer: [
          { ...w, metadataProps: [{ key: 'secateur.parameter', value: '{"name":"w","shape":[3],"axes":[0]}' }] },
        ],
      },
    ],
  ];
  test.each(cases)('%s', async (_, code, message, graph, model) => {
    const decoding = decode(graph, model, { 'w.bin': new Uint8Array(16) });
    await expect(decoding).rejects.toMatchObject({ name: 'SecateurError', code });
    await expect(decoding).rejects.toThrow(message);
  });

  test('external data without a folder', async () => {
    await expect(decode({ initializer: [external({ location: 'w.bin' })] })).rejects.toThrow(/beside the model/);
  });

  test('a file above 2 GiB, without reading it', async () => {
    const read = () => Promise.reject(new Error('read'));
    await expect(decodeOnnx({ name: 'big.onnx', size: 2 ** 31, read })).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});

test('external data are read when asked for', async () => {
  const reads: [number, number][] = [];
  const data = new Uint8Array(40_000).fill(1);
  const bin = {
    name: 'w.bin',
    size: data.length,
    read: async (offset: number, length: number) => {
      reads.push([offset, length]);
      return data.subarray(offset, offset + length);
    },
  };
  const big = {
    name: 'w',
    dataType: DataType.FLOAT,
    dims: [5000n],
    dataLocation: DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: './w.bin' },
      { key: 'offset', value: '4096' },
    ],
  };
  const graph = await decodeOnnx(sourceOf(bytesOfModel({ initializer: [big] })), memoryFolder({ 'w.bin': bin }));
  const constant = graph.constants.get('w')!;
  expect(reads).toEqual([]);
  expect(constant.location).toEqual({ file: 'w.bin', offset: 4096, byteLength: 20_000 });
  expect((await constant.read()).data).toHaveLength(5000);
  expect(reads).toEqual([[4096, 20_000]]);
});
