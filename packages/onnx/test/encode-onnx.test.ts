import { fromBinary } from '@bufbuild/protobuf';
import {
  type Constant,
  constantOf,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  int64,
  ints,
  multiplyDims,
  string,
  symbol,
  tensor,
} from '@secateur/graph';
import { ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { expect, test } from 'vitest';
import { encodeOnnx, prepareOnnx } from '../src/index.js';

function small(opset = 18): Graph {
  const builder = new GraphBuilder('small', opset);
  const x = builder.input('x', 'float32', [symbol('batch'), 2, multiplyDims(2, symbol('height'))]);
  const w = builder.constant('w', constantOf(float32([2], [1, 2])));
  const y = builder.op('Mul', [x, w], {
    a: int(-3),
    b: float(0.5),
    c: string('é'),
    d: ints([1, -1]),
    e: { type: 'floats', value: [0.25, 1] },
    f: { type: 'strings', value: ['p', 'q'] },
    g: { type: 'tensor', value: int64([7, -9]) },
  });
  builder.output(y, 'float32', [symbol('batch'), 2, 4]);
  return builder.build({ author: 'someone' });
}

test('writes every field of a small graph', async () => {
  const model = fromBinary(ModelProtoSchema, await encodeOnnx(small()));
  expect(model.irVersion).toBe(8n);
  expect(model.producerName).toBe('secateur');
  expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 18n]]);
  expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([['author', 'someone']]);
  const graph = model.graph!;
  const type = graph.input[0]!.type!.value;
  expect(type.case).toBe('tensorType');
  if (type.case !== 'tensorType') return;
  expect(type.value.elemType).toBe(1);
  expect(type.value.shape!.dim.map((dim) => dim.value.value)).toEqual(['batch', 2n, '2*height']);
  const [node] = graph.node;
  const [a, b, c, d, e, f, g] = node!.attribute;
  expect([a!.i, b!.f, new TextDecoder().decode(c!.s), d!.ints]).toEqual([-3n, 0.5, 'é', [1n, -1n]]);
  expect([e!.floats, f!.strings.map((s) => new TextDecoder().decode(s))]).toEqual([
    [0.25, 1],
    ['p', 'q'],
  ]);
  expect([...new BigInt64Array(g!.t!.rawData.slice().buffer)]).toEqual([7n, -9n]);
  expect(graph.initializer[0]!.dims).toEqual([2n]);
  expect([...new Float32Array(graph.initializer[0]!.rawData.slice().buffer)]).toEqual([1, 2]);
});

test.each([
  [11, 6n],
  [12, 7n],
  [14, 7n],
  [15, 8n],
  [18, 8n],
  [19, 9n],
  [20, 9n],
  [21, 10n],
  [23, 11n],
  [24, 12n],
])('operator set %i goes with IR version %i', async (opset, irVersion) => {
  expect(fromBinary(ModelProtoSchema, await encodeOnnx(small(opset))).irVersion).toBe(irVersion);
});

test('half precision and booleans are raw bytes', async () => {
  const builder = new GraphBuilder('types');
  builder.constant('half', constantOf(tensor('float16', [2], new Uint16Array([0x3c00, 0xc000]))));
  builder.constant('brain', constantOf(tensor('bfloat16', [1], new Uint16Array([0x3f80]))));
  builder.constant('flag', constantOf(tensor('bool', [3], new Uint8Array([1, 0, 1]))));
  const { initializer } = fromBinary(ModelProtoSchema, await encodeOnnx(builder.build())).graph!;
  expect(initializer.map(({ name, dataType, rawData }) => [name, dataType, [...rawData]])).toEqual([
    ['half', 10, [0x00, 0x3c, 0x00, 0xc0]],
    ['brain', 16, [0x80, 0x3f]],
    ['flag', 9, [1, 0, 1]],
  ]);
});

test('external constants are pointed to and never read', async () => {
  const graph = small();
  const lazy: Constant = {
    dtype: 'float32',
    shape: [2],
    read: () => Promise.reject(new Error('read')),
  };
  const bytes = await encodeOnnx(
    { ...graph, constants: new Map([['w', lazy]]) },
    { external: (name) => ({ location: `${name}.bin`, offset: 4096, length: 8 }) },
  );
  const [w] = fromBinary(ModelProtoSchema, bytes).graph!.initializer;
  expect(w!.dataLocation).toBe(TensorProto_DataLocation.EXTERNAL);
  expect(w!.externalData.map(({ key, value }) => [key, value])).toEqual([
    ['location', 'w.bin'],
    ['offset', '4096'],
    ['length', '8'],
  ]);
  await expect(encodeOnnx(graph, { external: () => ({ location: 'w', offset: 0, length: 4 }) })).rejects.toMatchObject({
    code: 'SHAPE_MISMATCH',
    field: 'w',
  });
});

test('variable constants become inputs of the model', async () => {
  const { graph } = fromBinary(ModelProtoSchema, await encodeOnnx(small(), { variable: ['w'] }));
  expect(graph!.input.map((input) => input.name)).toEqual(['x', 'w']);
  expect(graph!.initializer).toEqual([]);
  await expect(encodeOnnx(small(), { variable: ['nothing'] })).rejects.toMatchObject({ code: 'BAD_OPTION' });
});

test('pieces have the stated length, and values are read one at a time', async () => {
  let open = 0;
  const builder = new GraphBuilder('many');
  for (let i = 0; i < 5; i++) {
    const read = async () => {
      expect(++open).toBe(1);
      await Promise.resolve();
      open--;
      return float32([300], new Float32Array(300).fill(i));
    };
    builder.constant(`w${i}`, { dtype: 'float32', shape: [300], read });
  }
  const encoded = prepareOnnx(builder.build());
  let total = 0;
  for await (const chunk of encoded.chunks()) total += chunk.byteLength;
  expect(total).toBe(encoded.byteLength);
});

test('refuses models above 2 GiB before reading anything', () => {
  const huge: Constant = {
    dtype: 'float32',
    shape: [1 << 29],
    read: () => Promise.reject(new Error('read')),
  };
  const graph = { ...small(), constants: new Map([['w', huge]]) };
  expect(() => prepareOnnx(graph)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
});

test('stops between constants when aborted', async () => {
  const signal = AbortSignal.abort();
  await expect(encodeOnnx(small(), { signal })).rejects.toMatchObject({ code: 'ABORTED' });
});
