import { loadFixtureTensors, maxUlp } from '@secateur/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TorchGenerator, torchGenerator } from '../src/index.js';

const fixtures = loadFixtureTensors('schedulers/torch-rng-and-pipelines.safetensors');
const seeds = [0, 1, 42, 1234567];

const floats = (name: string): Float32Array => fixtures[name].data as Float32Array;
const wholes = (name: string): number[] => Array.from(fixtures[name].data as BigInt64Array, Number);
const drawNormals = (generator: TorchGenerator, count: number): Float32Array =>
  generator.randn([count]).data as Float32Array;

/** The promise: within 4 ulp, or 3e-7 where the value is so near 0 that ulps are tiny. */
function expectSameNormals(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    const isNear = Math.abs(actual[i] - value) <= 3e-7 || maxUlp([actual[i]], [value]) <= 4;
    expect(isNear, `element ${i}: ${actual[i]} where PyTorch has ${value}`).toBe(true);
  }
}

describe.each(seeds)('seed %i draws as PyTorch', (seed) => {
  it('rand, exactly', () => {
    expect(torchGenerator(seed).rand([40]).data).toEqual(floats(`rand.${seed}.40`));
  });

  it('randint, exactly', () => {
    expect(torchGenerator(seed).randint(1000, 40)).toEqual(wholes(`randint1000.${seed}.40`));
  });

  it('randperm, exactly', () => {
    expect(torchGenerator(seed).randperm(50)).toEqual(wholes(`randperm.${seed}.50`));
  });

  it.each([1, 5, 15, 16, 17, 31, 100, 1000])('randn of %i within 4 ulp or 3e-7', (count) => {
    expectSameNormals(drawNormals(torchGenerator(seed), count), floats(`randn.${seed}.${count}`));
  });

  it('randn of 3, 20 and 7 in a row: the value cached by the first waits for the third', () => {
    const generator = torchGenerator(seed);
    const values = [3, 20, 7].flatMap((count) => [...drawNormals(generator, count)]);
    expectSameNormals(Float32Array.from(values), floats(`randn.${seed}.seq`));
  });
});

describe('state', () => {
  it('goes on after JSON where it was left, whatever was drawn before', () => {
    const draws = fc.array(fc.constantFrom<'rand' | 'randn' | 'randint'>('rand', 'randn', 'randint'), { maxLength: 8 });
    const draw = (generator: TorchGenerator, kind: string): unknown =>
      kind === 'rand' ? generator.rand([3]) : kind === 'randn' ? generator.randn([5]) : generator.randint(10, 2);
    fc.assert(
      fc.property(fc.nat(), draws, draws, (seed, before, after) => {
        const generator = torchGenerator(seed);
        for (const kind of before) draw(generator, kind);
        const restored = torchGenerator(JSON.parse(JSON.stringify(generator.state())));
        expect(after.map((kind) => draw(restored, kind))).toEqual(after.map((kind) => draw(generator, kind)));
      }),
      { seed: 7, numRuns: 30 },
    );
  });

  it('is refused when malformed', () => {
    const state = torchGenerator(0).state();
    const broken = [
      { ...state, words: [1, 2] },
      { ...state, position: 625 },
      { ...state, words: state.words.map(() => -1) },
    ];
    for (const bad of broken)
      expect(() => torchGenerator(bad)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});

it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the seed %d', (seed) => {
  expect(() => torchGenerator(seed)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'seed' }));
});

it('uses the low 32 bits of a seed', () => {
  expect(torchGenerator(2 ** 32 + 5).rand([2]).data).toEqual(Float32Array.of(0.8302518725395203, 0.12611091136932373));
});

it.each([0, 2 ** 28 + 1, 1.5])('refuses randint up to %d', (high) => {
  expect(() => torchGenerator(0).randint(high, 1)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
});

it('permutes: every index once', () => {
  expect(
    torchGenerator(3)
      .randperm(200)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 200 }, (_, i) => i));
});
