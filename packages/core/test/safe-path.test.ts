import { describe, expect, it } from 'vitest';
import { safePath } from '../src/index.js';

describe('safePath', () => {
  it.each([
    ['a.onnx', 'a.onnx'],
    ['./unet/./a.onnx', 'unet/a.onnx'],
    ['..a/b..c', '..a/b..c'],
  ])('takes %s', (path, result) => {
    expect(safePath(path)).toBe(result);
  });

  it.each([
    '',
    '.',
    '/etc/passwd',
    '..',
    '../a',
    'a/../../b',
    'a//b',
    'a/',
    'a\\..\\b',
    'C:/a',
    'c:a',
    'a\0b',
    './../a',
  ])('refuses %j', (path) => {
    expect(() => safePath(path, 'model.onnx')).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', file: 'model.onnx', field: path }),
    );
  });
});
