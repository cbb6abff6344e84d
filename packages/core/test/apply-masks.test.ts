import {
  bytesOf,
  type Constant,
  castTensor,
  constantOf,
  couple,
  float32,
  tensorFromBytes,
  toFloat32,
} from '@secateur/graph';
import { expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import { applyMasks, type Mask, maskFrom } from '../src/index.js';

const { graph } = tinyModel();
const masks = new Map<string, Mask>([['conv_out.bias', maskFrom([2], (i) => i === 1)]]);

it('zeroes masked elements in a new graph, whether read or in memory, and shares the rest', async () => {
  const before = toFloat32(graph.constants.get('conv_out.bias')!.value!).slice();
  const masked = applyMasks(graph, masks);
  const constant = masked.constants.get('conv_out.bias')!;
  expect([...toFloat32(constant.value!)]).toEqual([0, before[1]]);
  expect(await constant.read()).toEqual(constant.value);
  expect(constant.location).toBeUndefined();
  expect(graph.constants.get('conv_out.bias')!.value!.data).toEqual(before);
  expect(masked.constants.get('conv_in.weight')).toBe(graph.constants.get('conv_in.weight'));
  expect(couple(masked).groups.length).toBeGreaterThan(0);
});
it('changes nothing the second time', async () => {
  const once = applyMasks(graph, masks);
  expect(applyMasks(once, masks).constants.get('conv_out.bias')!.value).toEqual(
    once.constants.get('conv_out.bias')!.value,
  );
});
it('masks half precision and values that are not in memory', async () => {
  const half = castTensor(float32([2], [1, 2]), 'float16');
  const { value: _, ...lazy } = constantOf(half, graph.constants.get('conv_out.bias')!.parameter);
  const masked = applyMasks({ ...graph, constants: new Map([['conv_out.bias', lazy]]) }, masks);
  expect([...toFloat32(await masked.constants.get('conv_out.bias')!.read())]).toEqual([0, 2]);
});
it('masks in place what was read into the memory it gave, and copies anything else', async () => {
  const parameter = graph.constants.get('conv_out.bias')!.parameter;
  const kept = float32([2], [1, 2]);
  const given: Uint8Array[] = [];
  const masked = (read: Constant['read']) =>
    applyMasks(
      { ...graph, constants: new Map([['conv_out.bias', { dtype: 'float32', shape: [2], parameter, read }]]) },
      masks,
    ).constants.get('conv_out.bias')!;
  const allocate = (bytes: number) => {
    given.push(new Uint8Array(bytes));
    return given.at(-1) as Uint8Array<ArrayBuffer>;
  };
  const inPlace = masked(async (_, memory) => {
    const bytes = memory!(8);
    bytes.set(bytesOf(kept));
    return tensorFromBytes('float32', [2], bytes);
  });
  const tensor = await inPlace.read('stored', allocate);
  expect(tensor.data.buffer).toBe(given[0]!.buffer);
  expect([...tensor.data]).toEqual([0, 2]);
  expect([...(await inPlace.read()).data]).toEqual([0, 2]);
  expect([...(await masked(async () => kept).read('stored', allocate)).data]).toEqual([0, 2]);
  expect([...kept.data]).toEqual([1, 2]);
});
it('refuses a parameter that is not there, and a mask of another shape', () => {
  expect(() => applyMasks(graph, new Map([['nope', maskFrom([2], () => true)]]))).toThrowError(
    expect.objectContaining({ code: 'BAD_OPTION', field: 'nope' }),
  );
  expect(() => applyMasks(graph, new Map([['conv_out.bias', maskFrom([3], () => true)]]))).toThrowError(
    expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
  );
});
