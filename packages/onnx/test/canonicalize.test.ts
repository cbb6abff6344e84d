import { evaluateGraph, type Graph, type Tensor, toFloat32 } from '@secateur/graph';
import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalize, decodeOnnx, encodeOnnx, nameMap } from '../src/index.js';
import { maxDifference, readSafetensors, sourceOf, unet } from './fixture.js';

describe('the exported UNet', () => {
  let exported: Graph;
  let canonical: Graph;
  let golden: Map<string, Tensor>;
  const run = (graph: Graph): Tensor =>
    evaluateGraph(graph, { sample: golden.get('in.sample')!, timestep: golden.get('in.timestep')! }).out;

  beforeAll(async () => {
    exported = await unet();
    canonical = canonicalize(exported);
    golden = readSafetensors('unet2d-tiny/golden.safetensors');
  });

  const count = (graph: Graph, op: string): number => graph.nodes.filter((node) => node.op === op).length;

  test('has its group normalisations as single nodes', () => {
    expect(count(exported, 'InstanceNormalization')).toBe(21);
    expect(count(canonical, 'InstanceNormalization')).toBe(0);
    expect(count(canonical, 'GroupNormalization')).toBe(21);
    const norm = canonical.nodes.find((node) => node.scope === 'mid_block.attentions.0.group_norm')!;
    expect(canonical.constants.get(norm.inputs[1])!.parameter).toEqual({
      name: 'mid_block.attentions.0.group_norm.weight',
      shape: [32],
      axes: [0],
    });
  });

  test('computes what PyTorch computed, as the exported graph does', () => {
    const expected = golden.get('out')!;
    const largest = Math.max(...toFloat32(expected).map(Math.abs));
    // Sums of up to 576 float32 products in another order, through some thirty layers.
    expect(maxDifference(run(exported), expected) / largest).toBeLessThan(1e-5);
    expect(maxDifference(run(canonical), expected) / largest).toBeLessThan(1e-5);
  });

  test('keeps every parameter through encoding, with norms taken apart, and back', async () => {
    const again = canonicalize(await decodeOnnx(sourceOf(await encodeOnnx(canonical))));
    expect(count(again, 'GroupNormalization')).toBe(21);
    const sorted = (graph: Graph) => nameMap(graph).sort((a, b) => (a.parameter < b.parameter ? -1 : 1));
    expect(sorted(again)).toEqual(sorted(canonical));
    expect(nameMap(again)).toHaveLength(144);
    expect(new Set(again.nodes.map((node) => node.scope))).toEqual(new Set(canonical.nodes.map((node) => node.scope)));
    expect(run(again)).toEqual(run(canonical));
  });
});
