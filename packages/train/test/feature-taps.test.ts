import { featureTaps } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { tinyDenoiser } from './support/tiny-denoiser.js';

const { graph } = tinyDenoiser();

describe('featureTaps', () => {
  it('takes the last value that a module makes', () => {
    const [tap] = featureTaps(graph, graph, ['first']);
    expect(graph.nodes.find(({ outputs }) => outputs.includes(tap.student))!.op).toBe('Gemm');
    expect(tap).toMatchObject({ at: 'first', teacher: tap.student });
  });
  it('pairs modules of different names', () => {
    const [tap] = featureTaps(graph, graph, ['first=act']);
    expect(graph.nodes.find(({ outputs }) => outputs.includes(tap.teacher))!.op).toBe('Tanh');
  });
  it('finds modules by pattern', () => {
    expect(featureTaps(graph, graph, ['*']).map(({ at }) => at)).toEqual(['time', 'first', 'act', 'second']);
  });
  it('names what is missing, and what does not fit', () => {
    expect(() => featureTaps(graph, graph, ['mid_block'])).toThrow('The student has no module "mid_block".');
    expect(() => featureTaps(graph, graph, ['first=mid'])).toThrow('The teacher has no module "mid".');
    expect(() => featureTaps(graph, graph, undefined)).toThrow('share no stages');
    expect(() => featureTaps(graph, tinyDenoiser({ width: 3 }).graph, ['first'])).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});
