import { sizeOf } from '@secateur/graph';
import { describe, expect } from 'vitest';
import { applyMask, countKept, isKept, type Mask } from '../masks/mask.js';
import { type SuiteSkip, testUnless } from './suite.js';
import { seededValues } from './tiny-model.js';

/** A scored tensor of which elements are to be chosen. */
export interface MaskRequest {
  readonly shape: readonly number[];
  /** Axis of the input channels. */
  readonly inputAxis: number;
  /** One score an element, row-major; larger = keep. */
  readonly scores: Float32Array;
  /** Fraction of elements to remove; for patterns what the pattern leaves. */
  readonly ratio: number;
}

export interface MaskSuiteOptions {
  /** Of every `m` consecutive input channels at most `n` stay. Left out: any elements, as the ratio says. */
  readonly pattern?: { readonly n: number; readonly m: number };
  readonly skip?: readonly SuiteSkip[];
}

const shapes: readonly { readonly shape: readonly number[]; readonly inputAxis: number }[] = [
  { shape: [6, 8], inputAxis: 1 },
  { shape: [8, 5], inputAxis: 0 },
  { shape: [4, 8, 3, 3], inputAxis: 1 },
  { shape: [3, 7], inputAxis: 1 },
];

/** The behaviours of everything that chooses elements. Call it at the top level of a vitest file. */
export function testMask(name: string, choose: (request: MaskRequest) => Mask, options: MaskSuiteOptions = {}): void {
  const { pattern, skip = [] } = options;
  const test = testUnless(skip);
  const ratios = pattern ? [1 - pattern.n / pattern.m] : [0.1, 0.5, 0.9];
  const each = (check: (request: MaskRequest, mask: Mask) => void): void => {
    shapes.forEach((at, seed) => {
      for (const ratio of ratios) {
        const request = { ...at, scores: seededValues(seed + 1, sizeOf(at.shape)), ratio };
        check(request, choose(request));
      }
    });
  };

  describe(`mask ${name} conforms`, () => {
    test('has the tensor’s shape, one bit an element, and no bits past the last', async () => {
      each(({ shape }, mask) => {
        const size = sizeOf(shape);
        expect(mask.shape).toEqual(shape);
        expect(mask.bits).toHaveLength(Math.ceil(size / 8));
        for (let i = size; i < mask.bits.length * 8; i++) expect(isKept(mask, i)).toBe(false);
      });
    });
    test('gives the same choice again, and changes no scores', async () => {
      each((request, mask) => {
        const before = request.scores.slice();
        expect(choose(request)).toEqual(mask);
        expect(request.scores).toEqual(before);
      });
    });
    test('removes what it should, within one element', async () => {
      each((request, mask) => {
        const kept = pattern ? keptByPattern(request, pattern) : sizeOf(request.shape) * (1 - request.ratio);
        expect(Math.abs(countKept(mask) - kept)).toBeLessThan(1);
      });
    });
    test('keeps the larger scores among those that compete', async () => {
      each((request, mask) => {
        for (const run of pattern ? runsOf(request, pattern.m) : [request.scores.map((_, i) => i)]) {
          const members = Array.from(run);
          const kept = members.filter((element) => isKept(mask, element)).map((element) => request.scores[element]);
          const gone = members.filter((element) => !isKept(mask, element)).map((element) => request.scores[element]);
          if (kept.length > 0 && gone.length > 0) expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...gone));
          if (pattern) expect(kept.length).toBeLessThanOrEqual(pattern.n);
        }
      });
    });
    test('is decided by index where all scores are equal', async () => {
      for (const at of shapes) {
        const request = { ...at, scores: new Float32Array(sizeOf(at.shape)), ratio: ratios[0] };
        expect(choose(request)).toEqual(choose({ ...request, scores: new Float32Array(sizeOf(at.shape)).fill(2) }));
      }
    });
    test('changes nothing when applied again', async () => {
      each(({ scores }, mask) => {
        const once = applyMask(mask, scores);
        expect(applyMask(mask, once)).toEqual(once);
      });
    });
    test('keeps removing the same elements as the ratio grows', async () => {
      if (pattern) return;
      for (const [seed, at] of shapes.entries()) {
        const scores = seededValues(seed + 1, sizeOf(at.shape));
        const [less, more] = [0.3, 0.7].map((ratio) => choose({ ...at, scores, ratio }));
        for (let i = 0; i < scores.length; i++) if (!isKept(less, i)) expect(isKept(more, i)).toBe(false);
      }
    });
  });
}

/** Flat positions of every run of `m` consecutive input channels; the last of an axis may be shorter. */
function runsOf({ shape, inputAxis }: MaskRequest, m: number): number[][] {
  const inner = sizeOf(shape.slice(inputAxis + 1));
  const length = shape[inputAxis];
  const runs: number[][] = [];
  for (let outer = 0; outer < sizeOf(shape.slice(0, inputAxis)); outer++) {
    for (let i = 0; i < inner; i++) {
      for (let from = 0; from < length; from += m) {
        const channels = Array.from({ length: Math.min(m, length - from) }, (_, k) => from + k);
        runs.push(channels.map((channel) => (outer * length + channel) * inner + i));
      }
    }
  }
  return runs;
}

function keptByPattern(request: MaskRequest, { n, m }: { readonly n: number; readonly m: number }): number {
  return runsOf(request, m).reduce((sum, run) => sum + Math.min(n, run.length), 0);
}
