import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import type { GenerateOptions } from '../src/generate-options.js';
import type { PipelineKind } from '../src/kinds/kind.js';
import { checkRequest } from '../src/request.js';

const base = { steps: 50, conditions: async () => ({ given: {} }), dispose: async () => {} };
const text: PipelineKind = { ...base, name: 'Text', takes: 'prompts', guidanceScale: 7.5 };
const labels: PipelineKind = { ...base, name: 'Labels', takes: 'labels', guidanceScale: 4 };
const plain: PipelineKind = { ...base, name: 'Plain', takes: 'nothing' };
const usual = { height: 16, width: 24, factor: 8 };
const grey = { width: 8, height: 8, channels: 1, data: new Uint8Array(64) };

const check = (kind: PipelineKind, prompt?: string | readonly string[], options: GenerateOptions = {}) =>
  checkRequest(kind, usual, prompt, options);

describe('prompts', () => {
  it('are repeated for each picture, in order, with what is not wanted', () => {
    const request = check(text, ['a', 'b'], { count: 2, negativePrompt: ['x', ''] });
    expect(request).toMatchObject({ count: 4, prompts: ['a', 'a', 'b', 'b'], negative: ['x', 'x', '', ''] });
    expect(check(text, ['a', 'b'], { negativePrompt: 'x' }).negative).toEqual(['x', 'x']);
    expect(check(text, '')).toMatchObject({ count: 1, prompts: [''], guidanceScale: 7.5, height: 16, width: 24 });
    expect(check(text, '').negative).toBeUndefined();
  });

  it.each([
    [undefined, {}, 'prompt'],
    [[], {}, 'prompt'],
    [['a'], { negativePrompt: ['x', 'y'] }, 'negativePrompt'],
    ['a', { classLabels: [1] }, 'classLabels'],
    ['a', { guidanceScale: Number.NaN }, 'guidanceScale'],
    ['a', { guidanceScale: -1 }, 'guidanceScale'],
    ['a', { guidanceRescale: 1.5 }, 'guidanceRescale'],
    ['a', { strength: 0 }, 'strength'],
    ['a', { width: 20 }, 'width'],
    ['a', { height: 0 }, 'height'],
    ['a', { image: grey, width: 16 }, 'image'],
    ['a', { image: [grey, grey] }, 'image'],
    ['a', { image: float32([8, 8], new Float32Array(64)) }, 'image'],
  ] as const)('that do not fit: %j %j', (prompt, options, field) => {
    expect(() => check(text, prompt, options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field }));
  });
});

it('takes the picture’s size and repeats it for every prompt', () => {
  const { image, width, height } = check(text, ['a', 'b'], { image: grey });
  expect(image?.shape).toEqual([2, 1, 8, 8]);
  expect(image?.data[0]).toBe(-1);
  expect([width, height]).toEqual([8, 8]);
});

it('makes one picture for each label', () => {
  expect(check(labels, undefined, { classLabels: [3, 1] })).toMatchObject({
    count: 2,
    labels: [3, 1],
    guidanceScale: 4,
  });
  for (const options of [{}, { classLabels: [1], count: 2 }, { classLabels: [0.5] }, { classLabels: [] }]) {
    expect(() => check(labels, undefined, options)).toThrow(expect.objectContaining({ field: 'classLabels' }));
  }
});

it('guides and prompts only what can be', () => {
  expect(check(plain, undefined, { count: 3 })).toMatchObject({ count: 3, guidanceScale: 1, prompts: [] });
  expect(check(plain, undefined, { guidanceScale: 1 }).guidanceScale).toBe(1);
  expect(() => check(plain, undefined, { guidanceScale: 2 })).toThrow(/cannot be guided/);
  expect(() => check(plain, 'a')).toThrow(expect.objectContaining({ field: 'prompt' }));
  expect(() => check(plain, undefined, { negativePrompt: 'a' })).toThrow(
    expect.objectContaining({ field: 'negativePrompt' }),
  );
});
