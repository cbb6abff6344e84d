import { describe, expect, it } from 'vitest';
import { couple, evaluateGraph, float32, type Graph, int, removeUnits, zeroUnits } from '../../src/index.js';
import { runOn, TinyGraph } from '../tiny-graphs.js';

function block(normed: boolean): Graph {
  const t = new TinyGraph();
  const x = t.conv('a', t.image(2), 2, 4);
  const y = normed
    ? t.b.op('GroupNormalization', [x, t.weight('n.w', 4), t.weight('n.b', 4)], { num_groups: int(2) })
    : t.b.op('Tanh', [x]);
  return t.end(t.conv('z', y, 4, 2), 2);
}

const removal = new Map([['a.w:0', [0, 3]]]);
const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe('zeroUnits', () => {
  it('equals removal where no normalisation follows', () => {
    const coupling = couple(block(false));
    const zeroed = runOn(zeroUnits(coupling, removal), [1, 2, 3, 3]);
    // The sums differ by added zeros alone, so to the last bit.
    expect(zeroed).toEqual(runOn(removeUnits(coupling, removal).graph, [1, 2, 3, 3]));
    expect(worst(zeroed, runOn(block(false), [1, 2, 3, 3]))).toBeGreaterThan(0.01);
  });

  it('differs from removal where a normalisation sees the zeros', () => {
    const coupling = couple(block(true));
    const zeroed = runOn(zeroUnits(coupling, removal), [1, 2, 3, 3]);
    expect(worst(zeroed, runOn(removeUnits(coupling, removal).graph, [1, 2, 3, 3]))).toBeGreaterThan(0.01);
  });

  it('keeps shapes, zeroes every slice of the unit, and leaves the graph given alone', () => {
    const graph = block(false);
    const before = structuredClone(graph.constants.get('a.w')!.value);
    const zeroed = zeroUnits(couple(graph), new Map([['a.w:0', [1]]]));
    const values = (name: string) => [...(zeroed.constants.get(name)!.value!.data as Float32Array)];
    expect(values('a.w').map((value) => value === 0)).toEqual([false, false, true, true, false, false, false, false]);
    expect(values('a.b')[1]).toBe(0);
    expect(values('z.w').map((value) => value === 0)).toEqual([false, true, false, false, false, true, false, false]);
    expect(zeroed.constants.get('a.w')!.shape).toEqual([4, 2, 1, 1]);
    expect(zeroed.constants.get('z.b')).toBe(graph.constants.get('z.b'));
    expect(graph.constants.get('a.w')!.value).toEqual(before);
  });

  it('reads a constant in a file only when asked', async () => {
    const graph = block(false);
    const constants = new Map(graph.constants);
    const { value, ...inFile } = constants.get('a.b')!;
    constants.set('a.b', { ...inFile, location: { file: 'w', offset: 0, byteLength: 16 } });
    const zeroed = zeroUnits(couple({ ...graph, constants }), removal).constants.get('a.b')!;
    expect([zeroed.value, zeroed.location]).toEqual([undefined, undefined]);
    const data = value!.data as Float32Array;
    expect(await zeroed.read()).toEqual(float32([4], [0, data[1], data[2], 0]));
  });

  it('refuses what removeUnits refuses', () => {
    expect(() => zeroUnits(couple(block(false)), new Map([['a.w:0', [0, 1, 2, 3]]]))).toThrow(/empty/);
  });

  it('runs', () => {
    const graph = zeroUnits(couple(block(true)), removal);
    expect(evaluateGraph(graph, { x: float32([1, 2, 1, 1], [1, 2]) }).out.shape).toEqual([1, 2, 1, 1]);
  });
});
