import { expect, test } from 'vitest';
import { readIdentity } from '../src/decode/identity.js';

test.each([
  ['{"name":"w","shape":[4,3],"axes":[1,0]}', [3, 4], { name: 'w', shape: [4, 3], axes: [1, 0] }],
  [
    '{"name":"b","shape":[4],"axes":[0,null],"buffer":true}',
    [4, 1],
    { name: 'b', shape: [4], axes: [0, null], buffer: true },
  ],
  ['{"name":"w","shape":[4,3],"axes":[0,1]}', [3, 4], undefined],
  ['{"name":"w","shape":[3,3],"axes":[0,0]}', [3, 3], undefined],
  ['{"name":"w","shape":[4,3],"axes":[0]}', [4], undefined],
  ['{"name":"w","shape":[4],"axes":[0,null]}', [4, 2], undefined],
  ['{"name":"w","shape":[4],"axes":["0"]}', [4], undefined],
  ['{"name":"w","shape":[-4],"axes":[0]}', [-4], undefined],
  ['{"name":7,"shape":[4],"axes":[0]}', [4], undefined],
  ['[]', [4], undefined],
  ['null', [4], undefined],
])('%s of a constant of shape [%s]', (json, shape, expected) => {
  expect(readIdentity(json, shape, 'model.onnx')).toEqual(expected);
});

test('what is not JSON is refused', () => {
  expect(() => readIdentity('{', [1], 'model.onnx')).toThrow(expect.objectContaining({ code: 'BAD_FILE' }));
});
